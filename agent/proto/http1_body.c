/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a message ends (RFC 9112, sections 6 and 7): the choice of framing when the head is
 * complete, then the way through a counted, chunked or unbounded body. Called by http1.c. It never
 * looks at payload.
 */
#include "base/compiler.h"
#include "proto/http1_private.h"

#define CHUNK_DIGITS_MAX 15	/* hexadecimal: what fits in 60 bits */

static bool frame_request(struct http1 *p)
{
	if (p->flags & F_CODING) {
		p->body = HTTP1_BODY_CHUNKED;
		return (p->flags & F_CHUNKED_LAST) && !p->is_connect;
	}
	if (p->flags & F_LENGTH) {
		p->body = HTTP1_BODY_LENGTH;
		return p->content_length == 0 || !p->is_connect;
	}
	p->body = HTTP1_BODY_NONE;
	return true;
}

static bool is_interim(const struct http1 *p)
{
	return p->status < 200 && p->status != 101;
}

static bool opens_tunnel(const struct http1 *p)
{
	if (p->role == HTTP1_REQUEST)
		return false;
	return p->status == 101 || (p->to_connect && p->status / 100 == 2);
}

static void frame_response(struct http1 *p)
{
	if (opens_tunnel(p) || is_interim(p) || p->to_head || p->status == 204 || p->status == 304)
		p->body = HTTP1_BODY_NONE;
	else if (p->flags & F_CHUNKED_LAST)
		p->body = HTTP1_BODY_CHUNKED;
	else if (p->flags & F_CODING)
		p->body = HTTP1_BODY_CLOSE;
	else if (p->flags & F_LENGTH)
		p->body = HTTP1_BODY_LENGTH;
	else
		p->body = HTTP1_BODY_CLOSE;
}

bool http1_frame(struct http1 *p)
{
	bool response = p->role == HTTP1_RESPONSE;

	if ((p->flags & F_CODING) && (p->flags & F_LENGTH))
		return false;
	if (response)
		frame_response(p);
	else if (!frame_request(p))
		return false;
	p->keep_alive = !(p->flags & F_CONN_CLOSE) && (p->minor || (p->flags & F_CONN_KEEP)) &&
			p->body != HTTP1_BODY_CLOSE;
	if (response && is_interim(p))
		p->keep_alive = true;	/* the final response is still to come */
	p->upgrade = (p->flags & F_UPGRADE) && (p->flags & F_CONN_UPGRADE);
	return true;
}

enum http1_state http1_state_after_head(const struct http1 *p)
{
	if (opens_tunnel(p))
		return S_TUNNEL_DUE;
	if (p->body == HTTP1_BODY_CLOSE)
		return S_CLOSE;
	if (p->body == HTTP1_BODY_CHUNKED)
		return S_CHUNK_SIZE;
	if (p->body == HTTP1_BODY_LENGTH && p->content_length)
		return S_LENGTH;
	return S_END_DUE;
}

/* Passes over payload; true when the counted part of it is through. */
static bool pass_payload(struct http1 *p, struct http1_input *in)
{
	uint64_t n = (uint64_t)(in->end - in->at);

	if (n > p->left)
		n = p->left;
	in->at += n;
	p->body_bytes += n;
	p->left -= n;
	return p->left == 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 1*HEXDIG, then an extension or the line's end. A blank before either is read in two ways: BAD. */
static int step_chunk_size(struct http1 *p, struct http1_input *in)
{
	int digit;

	while (in->at < in->end) {
		digit = hex_digit(*in->at);
		if (digit < 0)
			break;
		if (++p->count > CHUNK_DIGITS_MAX)
			return HTTP1_BAD;
		p->left = p->left << 4 | (uint64_t)digit;
		in->at++;
	}
	if (in->at == in->end)
		return HTTP1_MORE;
	if (p->count == 0 || (*in->at != ';' && *in->at != '\r'))
		return HTTP1_BAD;
	p->state = *in->at == ';' ? S_CHUNK_EXT : S_CHUNK_LF;
	in->at++;
	return HTTP1_NEXT;
}

static int step_chunk_ext(struct http1 *p, struct http1_input *in)
{
	const char *stop = http1_scan(in->at, in->end, true);

	if (stop - in->at > HTTP1_CHUNK_LINE_MAX - p->count)
		return HTTP1_BAD;
	p->count += (uint16_t)(stop - in->at);
	in->at = stop;
	if (stop == in->end)
		return HTTP1_MORE;
	if (*stop != '\r')
		return HTTP1_BAD;
	in->at++;
	p->state = S_CHUNK_LF;
	return HTTP1_NEXT;
}

/* One byte that admits no choice. */
static int step_exact(struct http1 *p, struct http1_input *in, char c, enum http1_state then)
{
	if (*in->at != c)
		return HTTP1_BAD;
	in->at++;
	p->state = (uint8_t)then;
	return HTTP1_NEXT;
}

/* Trailer lines obey the rules of header lines and are counted alike; nobody is told of them. */
static int step_trailers(struct http1 *p, struct http1_input *in)
{
	const char *before = in->at;
	struct http1_line line;
	int event;

	if (*in->at == '\r' && p->line_len == 0)
		return step_exact(p, in, '\r', S_TRAILERS_LF);
	event = http1_take_line(p, in, (size_t)(HTTP1_HEAD_MAX - p->left), &line);
	p->left += (uint64_t)(in->at - before);
	if (event != HTTP1_NEXT)
		return event;
	if (++p->count > HTTP1_HEADERS_MAX || !http1_parse_trailer(&line))
		return HTTP1_BAD;
	return HTTP1_NEXT;
}

static int step_trailers_end(struct http1 *p, struct http1_input *in)
{
	if (*in->at != '\n')
		return HTTP1_BAD;
	in->at++;
	http1_finish(p);
	return HTTP1_END;
}

static int step_chunk_data(struct http1 *p, struct http1_input *in)
{
	if (!pass_payload(p, in))
		return HTTP1_MORE;
	p->state = S_CHUNK_DATA_CR;
	return HTTP1_NEXT;
}

static int step_counted(struct http1 *p, struct http1_input *in)
{
	if (!pass_payload(p, in))
		return HTTP1_MORE;
	http1_finish(p);
	return HTTP1_END;
}

int http1_body_step(struct http1 *p, struct http1_input *in)
{
	switch (p->state) {
	case S_LENGTH:
		return step_counted(p, in);
	case S_CLOSE:
		p->body_bytes += (uint64_t)(in->end - in->at);
		in->at = in->end;
		return HTTP1_MORE;
	case S_CHUNK_SIZE:
		return step_chunk_size(p, in);
	case S_CHUNK_EXT:
		return step_chunk_ext(p, in);
	case S_CHUNK_LF:
		p->count = 0;
		return step_exact(p, in, '\n', p->left ? S_CHUNK_DATA : S_TRAILERS);
	case S_CHUNK_DATA:
		return step_chunk_data(p, in);
	case S_CHUNK_DATA_CR:
		return step_exact(p, in, '\r', S_CHUNK_DATA_LF);
	case S_CHUNK_DATA_LF:
		return step_exact(p, in, '\n', S_CHUNK_SIZE);
	case S_TRAILERS:
		return step_trailers(p, in);
	case S_TRAILERS_LF:
		return step_trailers_end(p, in);
	default:
		return HTTP1_BAD;
	}
}
