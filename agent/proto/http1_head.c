/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lines of a head say: request line, status line, header lines (RFC 9112, sections 3 to 6;
 * RFC 9110, section 5). Called by http1.c and http1_body.c with complete lines that hold no control
 * byte but HTAB. It notes what http1_frame() needs and judges nothing across lines but repetitions.
 */
#include <string.h>

#include "base/compiler.h"
#include "proto/http1_private.h"

enum { C_TOKEN = 1, C_METHOD = 2 };

static const uint8_t classes[256] = {
	['!'] = C_TOKEN, ['#'] = C_TOKEN, ['$'] = C_TOKEN, ['%'] = C_TOKEN, ['&'] = C_TOKEN,
	['\''] = C_TOKEN, ['*'] = C_TOKEN, ['+'] = C_TOKEN, ['.'] = C_TOKEN, ['^'] = C_TOKEN,
	['`'] = C_TOKEN, ['|'] = C_TOKEN, ['~'] = C_TOKEN,
	['0' ... '9'] = C_TOKEN, ['a' ... 'z'] = C_TOKEN,
	['-'] = C_TOKEN | C_METHOD, ['_'] = C_TOKEN | C_METHOD, ['A' ... 'Z'] = C_TOKEN | C_METHOD,
};

#define VERSION "HTTP/1."
#define VERSION_LEN (sizeof(VERSION) - 1)

static ALWAYS_INLINE size_t span(const char *at, size_t len, uint8_t class)
{
	size_t n = 0;

	while (n < len && (classes[(unsigned char)at[n]] & class))
		n++;
	return n;
}

/* @lower has no upper-case letter; @at holds no control byte, so bit 5 tells only letters apart. */
static ALWAYS_INLINE bool same_word(const char *at, const char *lower, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((at[i] | 0x20) != lower[i])
			return false;
	return true;
}

#define IS_WORD(slice, word) \
	((slice).len == sizeof(word) - 1 && same_word((slice).at, word, sizeof(word) - 1))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* At most "HTTP/1." and a minor version of 0 or 1. */
static bool version_possible(const char *at, size_t len)
{
	if (len <= VERSION_LEN)
		return memcmp(at, VERSION, len) == 0;
	return memcmp(at, VERSION, VERSION_LEN) == 0 &&
	       (at[VERSION_LEN] == '0' || at[VERSION_LEN] == '1');
}

static bool request_possible(const char *at, size_t len)
{
	size_t method = span(at, len, C_METHOD);
	const char *end = at + len;
	const char *target, *blank;

	if (method > HTTP1_METHOD_MAX)
		return false;
	if (method == len)
		return true;
	if (method == 0 || at[method] != ' ')
		return false;
	target = at + method + 1;
	blank = target < end ? memchr(target, ' ', (size_t)(end - target)) : NULL;
	if (!blank)
		return true;
	if (blank == target || end - blank - 1 > (ptrdiff_t)VERSION_LEN + 1)
		return false;
	return version_possible(blank + 1, (size_t)(end - blank - 1));
}

/* "HTTP/1.1 200", then a blank and any reason. */
static bool status_possible(const char *at, size_t len)
{
	size_t version = len < VERSION_LEN + 1 ? len : VERSION_LEN + 1;

	if (!version_possible(at, version))
		return false;
	return (len <= 8 || at[8] == ' ') && (len <= 9 || (is_digit(at[9]) && at[9] != '0')) &&
	       (len <= 10 || is_digit(at[10])) && (len <= 11 || is_digit(at[11])) &&
	       (len <= 12 || at[12] == ' ');
}

bool http1_first_possible(enum http1_role role, const char *at, size_t len)
{
	return role == HTTP1_REQUEST ? request_possible(at, len) : status_possible(at, len);
}

/* Of a cut line the beginning and the end are there, only the target lacks its middle. */
bool http1_parse_request(struct http1 *p, const struct http1_line *line, struct http1_step *step)
{
	const size_t version = VERSION_LEN + 2;		/* with the blank before it */
	size_t method = span(line->at, line->len, C_METHOD);
	const char *target = line->at + method + 1;
	const char *end = line->at + line->len;
	const char *stop = line->cut ? p->tail + HTTP1_TAIL : end;

	if (method == 0 || method > HTTP1_METHOD_MAX || line->len < method + 2 + version)
		return false;
	if (line->at[method] != ' ' || stop[-(ptrdiff_t)version] != ' ' ||
	    !version_possible(stop - VERSION_LEN - 1, VERSION_LEN + 1))
		return false;
	if (line->cut && memchr(p->tail, ' ', HTTP1_TAIL - version))
		return false;
	if (!line->cut)
		end -= version;
	if (memchr(target, ' ', (size_t)(end - target)))
		return false;
	step->method = (struct http1_slice){ line->at, method };
	step->target = (struct http1_slice){ target, (size_t)(end - target) };
	p->minor = stop[-1] == '1';
	p->is_head = method == 4 && memcmp(line->at, "HEAD", 4) == 0;
	p->is_connect = method == 7 && memcmp(line->at, "CONNECT", 7) == 0;
	return true;
}

/* The blank before an absent reason is missing often enough to be let pass. */
bool http1_parse_status(struct http1 *p, const struct http1_line *line)
{
	const char *at = line->at;

	if (line->len < 12 || !status_possible(at, line->len))
		return false;
	p->minor = at[7] == '1';
	p->status = (uint16_t)((at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0'));
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct http1_slice trim(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	while (end > at && is_blank(end[-1]))
		end--;
	return (struct http1_slice){ at, (size_t)(end - at) };
}

/* Takes the first member off a comma-separated list. False when it is used up (at == NULL). */
static bool next_member(struct http1_slice *list, struct http1_slice *member)
{
	const char *end, *comma;

	if (!list->at)
		return false;
	end = list->at + list->len;
	comma = memchr(list->at, ',', list->len);
	*member = trim(list->at, comma ? comma : end);
	list->at = comma ? comma + 1 : NULL;
	list->len = comma ? (size_t)(end - comma - 1) : 0;
	return true;
}

/* A second Content-Length, even of the same value, is a list that others may read otherwise. */
static bool note_length(struct http1 *p, struct http1_slice value)
{
	uint64_t n = 0;

	if ((p->flags & F_LENGTH) || value.len == 0)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.at[i]) || n > (uint64_t)INT64_MAX / 10)
			return false;
		n = n * 10 + (uint64_t)(value.at[i] - '0');
		if (n > INT64_MAX)
			return false;
	}
	p->content_length = n;
	p->flags |= F_LENGTH;
	return true;
}

/* Parameters and empty members are where parsers part: codings are plain names here. */
static bool note_coding(struct http1 *p, struct http1_slice value)
{
	struct http1_slice coding;

	if (p->minor == 0)
		return false;
	p->flags |= F_CODING;
	while (next_member(&value, &coding)) {
		if (coding.len == 0 || span(coding.at, coding.len, C_TOKEN) != coding.len)
			return false;
		if (!IS_WORD(coding, "chunked")) {
			p->flags &= (uint16_t)~F_CHUNKED_LAST;
			continue;
		}
		if (p->flags & F_CHUNKED)
			return false;
		p->flags |= F_CHUNKED | F_CHUNKED_LAST;
	}
	return true;
}

static void note_connection(struct http1 *p, struct http1_slice value)
{
	struct http1_slice option;

	while (next_member(&value, &option)) {
		if (IS_WORD(option, "close"))
			p->flags |= F_CONN_CLOSE;
		else if (IS_WORD(option, "keep-alive"))
			p->flags |= F_CONN_KEEP;
		else if (IS_WORD(option, "upgrade"))
			p->flags |= F_CONN_UPGRADE;
	}
}

static bool note_header(struct http1 *p, struct http1_slice name, struct http1_slice value)
{
	switch (name.len) {
	case 6:
		if (IS_WORD(name, "expect") && p->role == HTTP1_REQUEST && p->minor == 1 &&
		    IS_WORD(value, "100-continue"))
			p->expect_continue = true;
		return true;
	case 7:
		if (IS_WORD(name, "upgrade"))
			p->flags |= F_UPGRADE;
		return true;
	case 10:
		if (!IS_WORD(name, "connection"))
			return true;
		note_connection(p, value);
		return value.at != NULL;
	case 14:
		return !IS_WORD(name, "content-length") || note_length(p, value);
	case 17:
		if (!IS_WORD(name, "transfer-encoding"))
			return true;
		return value.at && note_coding(p, value);
	default:
		return true;
	}
}

/* "A token, then a colon" rules out what is forbidden: folded lines, blanks before the colon. */
static bool split_header(const struct http1_line *line, struct http1_slice *name,
			 struct http1_slice *value)
{
	size_t n = span(line->at, line->len, C_TOKEN);

	if (n == 0 || n == line->len || line->at[n] != ':')
		return false;
	*name = (struct http1_slice){ line->at, n };
	*value = (struct http1_slice){ NULL, 0 };
	if (!line->cut)
		*value = trim(line->at + n + 1, line->at + line->len);
	return true;
}

/*
 * Where the colon is in a line about framing - Connection, Content-Length, Expect, Transfer-Encoding,
 * Upgrade - told by its first letter and that place alone; 0: it is none.
 */
static size_t framing_colon(const char *at, size_t len)
{
	size_t colon;

	switch (*at | 0x20) {
	case 'c':
		if (len > 10 && at[10] == ':')
			return 10;
		colon = 14;
		break;
	case 't':
		colon = 17;
		break;
	case 'u':
		colon = 7;
		break;
	case 'e':
		colon = 6;
		break;
	default:
		return 0;
	}
	return len > colon && at[colon] == ':' ? colon : 0;
}

bool http1_pass_line(struct http1 *p, const char *at, size_t len)
{
	size_t colon;

	if (!(classes[(unsigned char)*at] & C_TOKEN))
		return false;
	colon = framing_colon(at, len);
	return !colon || note_header(p, (struct http1_slice){ at, colon }, trim(at + colon + 1, at + len));
}

bool http1_parse_header(struct http1 *p, const struct http1_line *line, struct http1_step *step)
{
	return split_header(line, &step->name, &step->value) &&
	       note_header(p, step->name, step->value);
}

bool http1_parse_trailer(const struct http1_line *line)
{
	struct http1_slice name, value;

	return split_header(line, &name, &value);
}
