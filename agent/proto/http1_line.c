/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole lines out of input that may be split anywhere. A line that lies whole in the input is
 * handed on where it is; only one that is split is gathered in the owner's line buffer. Called by
 * http1.c and http1_body.c. Every byte of a line passes http1_scan(): nothing behind it sees a
 * control byte.
 */
#include <string.h>

#include "base/compiler.h"
#include "proto/http1_private.h"

#define EVERY_BYTE(b) (0x0101010101010101ull * (b))

/*
 * The high bit of the lowest byte below 0x20 or equal to 0x7f is set; borrows may set false ones
 * above it, never below.
 */
static ALWAYS_INLINE uint64_t control_bytes(uint64_t word)
{
	uint64_t del = word ^ EVERY_BYTE(0x7f);
	uint64_t low = (word - EVERY_BYTE(0x20)) & ~word;

	return (low | ((del - EVERY_BYTE(0x01)) & ~del)) & EVERY_BYTE(0x80);
}

static ALWAYS_INLINE bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

const char *http1_scan(const char *at, const char *end, bool tab)
{
	uint64_t word, hit;

	while (end - at >= 8) {
		memcpy(&word, at, 8);
		if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
			word = __builtin_bswap64(word);
		hit = control_bytes(word);
		if (!hit) {
			at += 8;
			continue;
		}
		at += __builtin_ctzll(hit) / 8;
		if (!tab || *at != '\t')
			return at;
		at++;
	}
	while (at < end && (!is_control((unsigned char)*at) || (tab && *at == '\t')))
		at++;
	return at;
}

static bool is_request_line(const struct http1 *p)
{
	return p->state == S_FIRST && p->role == HTTP1_REQUEST;
}

/*
 * The line is longer than its buffer: only its last bytes are kept up to date. What falls out of
 * them is too far from the end for the blank before a version: there it makes it no request line.
 */
static bool slide_tail(struct http1 *p, const char *at, size_t len)
{
	size_t out = len < HTTP1_TAIL ? len : HTTP1_TAIL;

	if (is_request_line(p) && memchr(p->tail, ' ', out))
		return false;
	if (len < HTTP1_TAIL) {
		memmove(p->tail, p->tail + len, HTTP1_TAIL - len);
		memcpy(p->tail + HTTP1_TAIL - len, at, len);
		return true;
	}
	if (is_request_line(p) && memchr(at, ' ', len - HTTP1_TAIL))
		return false;
	memcpy(p->tail, at + len - HTTP1_TAIL, HTTP1_TAIL);
	return true;
}

static bool collect(struct http1 *p, const char *at, size_t len)
{
	size_t room = p->line_cap - p->line_len;
	size_t part = len < room ? len : room;

	if (p->flags & F_CUT)
		return slide_tail(p, at, len);
	memcpy(p->line + p->line_len, at, part);
	p->line_len += (uint32_t)part;
	if (part == len)
		return true;
	p->flags |= F_CUT;
	p->line_len -= HTTP1_TAIL;
	memcpy(p->tail, p->line + p->line_len, HTTP1_TAIL);
	return slide_tail(p, at + part, len - part);
}

static bool collected_is_possible(const struct http1 *p)
{
	size_t len = p->line_len < HTTP1_PEEK ? p->line_len : HTTP1_PEEK;

	return p->state != S_FIRST || http1_first_possible(p->role, p->line, len);
}

static int give_collected(struct http1 *p, struct http1_line *line)
{
	line->at = p->line;
	line->len = p->line_len;
	line->cut = (p->flags & F_CUT) != 0;
	line->here = false;
	p->line_len = 0;
	p->flags &= (uint16_t)~(F_CR | F_CUT);
	return HTTP1_NEXT;
}

/* The input ends within this line: [in->at, stop) is new, a CR may follow. */
static int gather(struct http1 *p, struct http1_input *in, const char *stop)
{
	size_t len = (size_t)(stop - in->at);

	if (p->line_len == 0) {
		if (len == 0)
			return HTTP1_BAD;	/* a first line that is empty */
		if (p->state == S_FIRST &&
		    !http1_first_possible(p->role, in->at, len < HTTP1_PEEK ? len : HTTP1_PEEK))
			return HTTP1_BAD;
		if (!p->line)
			return HTTP1_ROOM;
		if (p->line_cap < HTTP1_LINE_MIN)
			return HTTP1_BAD;
	}
	if (!collect(p, in->at, len) || !collected_is_possible(p))
		return HTTP1_BAD;
	if (stop < in->end)
		p->flags |= F_CR;
	in->at = in->end;
	return HTTP1_MORE;
}

/* The line is not whole in the input: it began earlier, or does not end here, or is broken. */
static NOINLINE int take_split_line(struct http1 *p, struct http1_input *in, const char *limit,
				    struct http1_line *line)
{
	const char *stop;

	if (p->line_len && !p->line)
		return HTTP1_BAD;	/* the owner took the buffer away too early */
	if (p->flags & F_CR) {
		if (in->at == limit || *in->at != '\n')
			return HTTP1_BAD;
		in->at++;
		return give_collected(p, line);
	}
	stop = http1_scan(in->at, limit, !is_request_line(p));
	if (limit - stop >= 2 && stop[0] == '\r' && stop[1] == '\n') {
		if (!collect(p, in->at, (size_t)(stop - in->at)))
			return HTTP1_BAD;
		in->at = stop + 2;
		return give_collected(p, line);
	}
	if (stop < limit && (*stop != '\r' || limit - stop > 1))
		return HTTP1_BAD;
	if (limit != in->end)
		return HTTP1_BAD;	/* over budget */
	return gather(p, in, stop);
}

int http1_take_line(struct http1 *p, struct http1_input *in, size_t budget, struct http1_line *line)
{
	const char *limit = in->end;
	const char *stop;

	if ((size_t)(limit - in->at) > budget)
		limit = in->at + budget;
	if (likely(p->line_len == 0)) {
		stop = http1_scan(in->at, limit, !is_request_line(p));
		if (likely(limit - stop >= 2 && stop[0] == '\r' && stop[1] == '\n')) {
			*line = (struct http1_line){ in->at, (size_t)(stop - in->at), false, true };
			in->at = stop + 2;
			return HTTP1_NEXT;
		}
	}
	return take_split_line(p, in, limit, line);
}
