/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the HTTP/1 parser share: http1.c (driver), http1_line.c (whole lines out of
 * split input), http1_head.c (what a line says), http1_body.c (where the message ends). Included by
 * nobody else.
 */
#ifndef PROTO_HTTP1_PRIVATE_H
#define PROTO_HTTP1_PRIVATE_H

#include "proto/http1.h"

/* The order matters: http1_idle() and http1_in_body() ask for ranges. */
enum http1_state {
	S_START,		/* between messages */
	S_START_LF,		/* ... a CR was skipped */
	S_START_LAST,		/* ... an empty line was skipped: no second one */
	S_FIRST,
	S_LINES,
	S_BLANK_CR,		/* BLANK was reported, its bytes come next */
	S_BLANK_LF,
	S_LENGTH,		/* first of the body's states */
	S_CLOSE,
	S_CHUNK_SIZE,
	S_CHUNK_EXT,
	S_CHUNK_LF,
	S_CHUNK_DATA,
	S_CHUNK_DATA_CR,
	S_CHUNK_DATA_LF,
	S_TRAILERS,
	S_TRAILERS_LF,		/* last of the body's states */
	S_END_DUE,		/* no body: END is the next thing to say */
	S_TUNNEL_DUE,
	S_TUNNEL,
	S_BAD,
};

enum http1_flag {
	F_CR = 1,		/* the held line's CR came, its LF did not */
	F_CUT = 2,		/* the held line is longer than the line buffer */
	F_LENGTH = 4,		/* Content-Length came */
	F_CODING = 8,		/* Transfer-Encoding came */
	F_CHUNKED = 16,		/* ... and says chunked */
	F_CHUNKED_LAST = 32,	/* ... as the last coding so far */
	F_CONN_CLOSE = 64,
	F_CONN_KEEP = 128,
	F_CONN_UPGRADE = 256,
	F_UPGRADE = 512,
};

/* What a step returns beside the events: nothing to report yet, go on. */
#define HTTP1_NEXT (-1)

/* How much of an unfinished first line is looked at to see that it is no HTTP. */
#define HTTP1_PEEK 64

struct http1_input {
	const char *at;
	const char *end;
	const char *base;	/* first byte of this call's input */
};

/** A complete line, without its CR LF. */
struct http1_line {
	const char *at;
	size_t len;
	bool cut;		/* goes on: its last HTTP1_TAIL bytes are in http1.tail */
	bool here;		/* lies in this call's input */
};

/** First control byte in [at, end) but for HTAB where @tab; else end. */
const char *http1_scan(const char *at, const char *end, bool tab);

/**
 * Takes one line of at most @budget bytes, line end included, from the input: HTTP1_NEXT and *line,
 * or MORE, ROOM, BAD. The input must not be empty.
 */
int http1_take_line(struct http1 *p, struct http1_input *in, size_t budget,
		    struct http1_line *line);

/** False when @len > 0 first bytes of a message cannot become a request line (a status line). */
bool http1_first_possible(enum http1_role role, const char *at, size_t len);

/* What lines say. False: BAD. */
bool http1_parse_request(struct http1 *p, const struct http1_line *line, struct http1_step *step);
bool http1_parse_status(struct http1 *p, const struct http1_line *line);
/**
 * Takes note of a whole header line (@len > 0, without its end) that nobody wants to see. False: it is
 * left to http1_parse_header().
 */
bool http1_pass_line(struct http1 *p, const char *at, size_t len);
bool http1_parse_header(struct http1 *p, const struct http1_line *line, struct http1_step *step);
bool http1_parse_trailer(const struct http1_line *line);

/** Judges body, keep_alive and upgrade from what the head said. False: BAD. */
bool http1_frame(struct http1 *p);

/** The state that follows the head. */
enum http1_state http1_state_after_head(const struct http1 *p);

/** One step through the body's states. Returns an event or HTTP1_NEXT. */
int http1_body_step(struct http1 *p, struct http1_input *in);

/** The message is over: between messages again. */
void http1_finish(struct http1 *p);

#endif
