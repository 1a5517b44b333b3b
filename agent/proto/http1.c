/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of the HTTP/1 parser: one small step per state, and the calls of http1.h. It knows the
 * order of things in a message; lines are read in http1_head.c, bodies measured in http1_body.c.
 * Must never look at bytes that were not given to this very call.
 */
#include <string.h>

#include "base/compiler.h"
#include "proto/http1_private.h"

void http1_init(struct http1 *p, enum http1_role role)
{
	memset(p, 0, sizeof(*p));
	p->role = role;
	p->state = S_START;
}

void http1_expect(struct http1 *p, bool to_head, bool to_connect)
{
	p->to_head = to_head;
	p->to_connect = to_connect;
}

static int start_message(struct http1 *p)
{
	p->status = 0;
	p->minor = 0;
	p->is_head = false;
	p->is_connect = false;
	p->keep_alive = false;
	p->upgrade = false;
	p->expect_continue = false;
	p->body = HTTP1_BODY_NONE;
	p->content_length = 0;
	p->body_bytes = 0;
	p->head_bytes = 0;
	p->flags = 0;
	p->count = 0;
	p->state = S_FIRST;
	return HTTP1_START;
}

void http1_finish(struct http1 *p)
{
	p->state = S_START;
	if (p->role == HTTP1_RESPONSE && p->status >= 200)
		http1_expect(p, false, false);
}

/* RFC 9112, 2.2: an empty line before a request line is ignored. One: nobody sends more. */
static int step_start(struct http1 *p, struct http1_input *in)
{
	if (p->state == S_START_LF) {
		if (*in->at != '\n')
			return HTTP1_BAD;
		in->at++;
		p->state = S_START_LAST;
		return HTTP1_NEXT;
	}
	if (p->state == S_START && p->role == HTTP1_REQUEST && *in->at == '\r') {
		in->at++;
		p->state = S_START_LF;
		return HTTP1_NEXT;
	}
	return start_message(p);
}

static int take_head_line(struct http1 *p, struct http1_input *in, struct http1_line *line)
{
	const char *before = in->at;
	int event = http1_take_line(p, in, HTTP1_HEAD_MAX - p->head_bytes, line);

	p->head_bytes += (uint32_t)(in->at - before);
	return event;
}

/* Field by field: one assignment becomes a string instruction, dearer than a header line. */
static ALWAYS_INLINE void clear_step(struct http1_step *step)
{
	const struct http1_slice none = { NULL, 0 };

	step->method = none;
	step->target = none;
	step->name = none;
	step->value = none;
	step->value_at = -1;
	step->line_at = -1;
}

static int step_first(struct http1 *p, struct http1_input *in, struct http1_step *step)
{
	struct http1_line line;
	int event = take_head_line(p, in, &line);
	bool ok;

	if (event != HTTP1_NEXT)
		return event;
	clear_step(step);
	if (p->role == HTTP1_REQUEST)
		ok = http1_parse_request(p, &line, step);
	else
		ok = http1_parse_status(p, &line);
	if (!ok)
		return HTTP1_BAD;
	p->state = S_LINES;
	return HTTP1_FIRST;
}

/* A CR where a line begins can only be the blank line: no need to wait for its LF. */
static int step_blank(struct http1 *p)
{
	if (p->head_bytes + 2 > HTTP1_HEAD_MAX || !http1_frame(p))
		return HTTP1_BAD;
	p->state = S_BLANK_CR;
	return p->brief ? HTTP1_NEXT : HTTP1_BLANK;
}

/*
 * For an owner that wants no headers: passes over whole lines, and looks only into those about framing.
 * Whatever is odd is left to the careful way.
 */
static void pass_lines(struct http1 *p, struct http1_input *in)
{
	while (in->at < in->end && p->count < HTTP1_HEADERS_MAX) {
		const char *end = memchr(in->at, '\n', (size_t)(in->end - in->at));
		size_t len = end ? (size_t)(end + 1 - in->at) : 0;

		if (len < 3 || end[-1] != '\r' || p->head_bytes + len > HTTP1_HEAD_MAX ||
		    !http1_pass_line(p, in->at, len - 2))
			return;
		p->head_bytes += (uint32_t)len;
		p->count++;
		in->at += len;
	}
}

static int step_lines(struct http1 *p, struct http1_input *in, struct http1_step *step)
{
	struct http1_line line;
	int event;

	if (p->quiet && p->line_len == 0)
		pass_lines(p, in);
	if (in->at == in->end)
		return HTTP1_MORE;
	if (*in->at == '\r' && p->line_len == 0)
		return step_blank(p);
	event = take_head_line(p, in, &line);
	if (event != HTTP1_NEXT)
		return event;
	clear_step(step);
	if (++p->count > HTTP1_HEADERS_MAX || !http1_parse_header(p, &line, step))
		return HTTP1_BAD;
	if (p->quiet)
		return HTTP1_NEXT;
	if (line.here) {
		step->line_at = line.at - in->base;
		step->value_at = step->value.at - in->base;
	}
	return HTTP1_HEADER;
}

static int step_blank_line(struct http1 *p, struct http1_input *in)
{
	if (p->state == S_BLANK_CR) {
		in->at++;
		p->head_bytes++;
		p->state = S_BLANK_LF;
		return HTTP1_NEXT;
	}
	if (*in->at != '\n')
		return HTTP1_BAD;
	in->at++;
	p->head_bytes++;
	p->count = 0;
	p->left = p->body == HTTP1_BODY_LENGTH ? p->content_length : 0;
	p->state = (uint8_t)http1_state_after_head(p);
	return p->quiet ? HTTP1_NEXT : HTTP1_HEAD;
}

/* Things that are due although no byte is left. */
static int step_due(struct http1 *p)
{
	switch (p->state) {
	case S_END_DUE:
		http1_finish(p);
		return HTTP1_END;
	case S_TUNNEL_DUE:
		p->state = S_TUNNEL;
		return HTTP1_TUNNEL;
	case S_TUNNEL:
		return HTTP1_TUNNEL;
	default:
		return HTTP1_BAD;
	}
}

static ALWAYS_INLINE int take_step(struct http1 *p, struct http1_input *in, struct http1_step *step)
{
	if (p->state >= S_END_DUE)
		return step_due(p);
	if (in->at == in->end)
		return HTTP1_MORE;
	switch (p->state) {
	case S_START:
	case S_START_LF:
	case S_START_LAST:
		return step_start(p, in);
	case S_FIRST:
		return step_first(p, in, step);
	case S_LINES:
		return step_lines(p, in, step);
	case S_BLANK_CR:
	case S_BLANK_LF:
		return step_blank_line(p, in);
	default:
		return http1_body_step(p, in);
	}
}

enum http1_event http1_feed(struct http1 *p, const char *buf, size_t len, struct http1_step *step)
{
	struct http1_input in = { .at = buf, .end = len ? buf + len : buf, .base = buf };
	int event;

	/* every HTTP1_NEXT consumed a byte, or left a state for good */
	do
		event = take_step(p, &in, step);
	while (event == HTTP1_NEXT);
	if (unlikely(event == HTTP1_BAD))
		http1_lose(p);
	step->used = (size_t)(in.at - buf);
	return (enum http1_event)event;
}

bool http1_skip(struct http1 *p, uint64_t len, bool *message_end)
{
	*message_end = false;
	if (len == 0 || http1_opaque(p))
		return true;
	if (p->state != S_CLOSE && p->state != S_LENGTH && p->state != S_CHUNK_DATA) {
		http1_lose(p);
		return false;
	}
	p->body_bytes += len;
	if (p->state == S_CLOSE)
		return true;
	if (len > p->left) {
		http1_lose(p);
		return false;
	}
	p->left -= len;
	if (p->left)
		return true;
	if (p->state == S_CHUNK_DATA) {
		p->state = S_CHUNK_DATA_CR;
		return true;
	}
	http1_finish(p);
	*message_end = true;
	return true;
}

bool http1_eof(struct http1 *p)
{
	if (p->state != S_CLOSE)
		return false;
	http1_finish(p);
	return true;
}

bool http1_idle(const struct http1 *p)
{
	return p->state <= S_START_LAST;
}

bool http1_opaque(const struct http1 *p)
{
	return p->state == S_BAD || p->state == S_TUNNEL;
}

bool http1_in_body(const struct http1 *p)
{
	return p->state >= S_LENGTH && p->state <= S_TRAILERS_LF;
}

void http1_lose(struct http1 *p)
{
	p->state = S_BAD;
	p->line_len = 0;
}
