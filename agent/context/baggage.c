/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baggage header (W3C Baggage): the program's own key=value pairs, which travel with a request
 * and mean nothing to us. Called by carrier.c and by whoever reads BAGGAGE from an environment. A
 * line is checked as a whole before a byte of it is kept; what is kept has no white space left.
 */
#include "context/context.h"

#include <errno.h>
#include <string.h>

#include "context/text.h"

/* What a character may be part of. */
enum {
	KEY = 1,   /* token, RFC 9110 5.6.2 */
	VALUE = 2, /* baggage-octet; '%' is one, and begins an escape */
};

#define BOTH (KEY | VALUE)

static const uint8_t classes[256] = {
	['!'] = BOTH,         ['#' ... '\''] = BOTH, ['('] = VALUE, [')'] = VALUE,
	['*'] = BOTH,         ['+'] = BOTH,          ['-'] = BOTH,  ['.'] = BOTH,
	['/'] = VALUE,        ['0' ... '9'] = BOTH,  [':'] = VALUE, ['<' ... '@'] = VALUE,
	['A' ... 'Z'] = BOTH, ['['] = VALUE,         [']'] = VALUE, ['^' ... 'z'] = BOTH,
	['{'] = VALUE,        ['|'] = BOTH,          ['}'] = VALUE, ['~'] = BOTH,
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_key(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		if (!(classes[(uint8_t)t.at[i]] & KEY))
			return false;
	}
	return t.len > 0;
}

static bool is_value(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		if (!(classes[(uint8_t)t.at[i]] & VALUE))
			return false;
		if (t.at[i] != '%')
			continue;
		if (t.len - i < 3 || !is_hex(t.at[i + 1]) || !is_hex(t.at[i + 2]))
			return false;
	}
	return true;
}

/* key OWS "=" OWS value, or with @bare also a key alone. */
static bool is_pair(struct text t, bool bare)
{
	struct text key;

	if (!text_cut(&t, '=', &key))
		return bare && is_key(text_trim(key));
	return is_key(text_trim(key)) && is_value(text_trim(t));
}

/* A member: a pair and its properties, which stand behind semicolons. */
static bool is_member(struct text t)
{
	bool property = false, more;
	struct text part;

	do {
		more = text_cut(&t, ';', &part);
		if (!is_pair(part, property))
			return false;
		property = true;
	} while (more);
	return true;
}

/* Empty members are tolerated, as in every list of HTTP (RFC 9110 5.6.1). */
static bool is_line(struct text line)
{
	struct text member;
	bool more;

	do {
		more = text_cut(&line, ',', &member);
		member = text_trim(member);
		if (member.len && !is_member(member))
			return false;
	} while (more);
	return true;
}

static size_t count_members(const struct context *ctx)
{
	size_t count = ctx->baggage_len > 0;

	for (size_t i = 0; i < ctx->baggage_len; i++)
		count += ctx->baggage[i] == ',';
	return count;
}

/*
 * Room for one more member of @len bytes behind the @members there are, the comma before it already
 * written; NULL: there is none.
 */
static char *reserve(struct context *ctx, size_t members, size_t len)
{
	size_t cap = ctx->baggage_cap;
	size_t comma = ctx->baggage_len > 0;
	char *at;

	if (cap > CONTEXT_BAGGAGE_MAX)
		cap = CONTEXT_BAGGAGE_MAX;
	if (!ctx->baggage || members >= CONTEXT_BAGGAGE_MEMBERS || len > cap ||
	    ctx->baggage_len + comma > cap - len)
		return NULL;
	at = ctx->baggage + ctx->baggage_len;
	if (comma)
		*at++ = ',';
	ctx->baggage_len = (uint16_t)(ctx->baggage_len + comma + len);
	return at;
}

/* White space in a checked member is never part of a key or a value: none of it is kept. */
static void copy_member(char *to, struct text member)
{
	for (size_t i = 0; i < member.len; i++) {
		if (!text_is_space(member.at[i]))
			*to++ = member.at[i];
	}
}

static size_t member_len(struct text member)
{
	size_t len = 0;

	for (size_t i = 0; i < member.len; i++)
		len += !text_is_space(member.at[i]);
	return len;
}

int baggage_append(struct context *ctx, const char *s, size_t len)
{
	struct text line = {s, len}, member;
	size_t members;
	bool more;
	char *at;

	if (!is_line(line))
		return context_refuse(REFUSAL_BAGGAGE_FORM);
	if (!ctx->baggage)
		return 0;
	members = count_members(ctx);
	do {
		more = text_cut(&line, ',', &member);
		len = member_len(member);
		if (len == 0)
			continue;
		at = reserve(ctx, members++, len);
		if (!at)
			return context_refuse(REFUSAL_BAGGAGE_SIZE);
		copy_member(at, member);
	} while (more);
	return 0;
}

static bool needs_escape(char c)
{
	return c == '%' || !(classes[(uint8_t)c] & VALUE);
}

int baggage_append_pair(struct context *ctx, const char *key, size_t key_len, const char *value,
			size_t value_len)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = key_len + 1 + value_len;
	char *at;

	if (!is_key((struct text){key, key_len}))
		return -EINVAL;
	if (key_len > CONTEXT_BAGGAGE_MAX || value_len > CONTEXT_BAGGAGE_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < value_len; i++)
		len += needs_escape(value[i]) ? 2 : 0;
	at = reserve(ctx, count_members(ctx), len);
	if (!at)
		return -ENOSPC;
	memcpy(at, key, key_len);
	at += key_len;
	*at++ = '=';
	for (size_t i = 0; i < value_len; i++) {
		if (!needs_escape(value[i])) {
			*at++ = value[i];
			continue;
		}
		*at++ = '%';
		*at++ = digits[(uint8_t)value[i] >> 4];
		*at++ = digits[(uint8_t)value[i] & 15];
	}
	return 0;
}
