/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An incremental parser of HTTP/1.0 and HTTP/1.1 message streams (RFC 9112), one object per
 * direction of one connection. It may be fed split at any byte. It is strict where two parsers
 * could disagree (request smuggling): such a stream is BAD for ever, to be passed on untouched.
 *
 * Pure: no I/O, no clock, no allocation, no global. It knows nothing of contexts: it reports header
 * lines and where things are. Called by carry/ only.
 *
 * Context: any thread, signal-safe, no locks; one object must not be fed by two threads at once.
 */
#ifndef PROTO_HTTP1_H
#define PROTO_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP1_HEAD_MAX 65536		/* a longer head is BAD, a trailer section too */
#define HTTP1_HEADERS_MAX 256		/* more header lines are BAD */
#define HTTP1_METHOD_MAX 24		/* method bytes: A-Z, '-' and '_'; others are BAD */
#define HTTP1_LINE_MIN 128		/* a smaller line buffer makes a split line BAD */
#define HTTP1_CHUNK_LINE_MAX 4096	/* bytes of one chunk-size line with its extensions */
#define HTTP1_TAIL 16			/* private: the end kept of a line too long for its buffer */

enum http1_role { HTTP1_REQUEST, HTTP1_RESPONSE };

/*
 * MORE ends the loop of calls; ROOM, BAD and TUNNEL do when the owner wants no more. END and TUNNEL
 * may be due when no byte is left: go on with len 0 until MORE.
 */
enum http1_event {
	/* everything was consumed, nothing to report */
	HTTP1_MORE,
	/* a line (a trailer's too) is split here and there is no line buffer; used: the bytes
	 * before that line. Set one and feed the rest again, or http1_lose() */
	HTTP1_ROOM,
	/* at the first byte of a message, which is not consumed yet (used may be 0). One empty line
	 * before a request is consumed first and belongs to no message */
	HTTP1_START,
	/* request line or status line complete: method/target or status are set */
	HTTP1_FIRST,
	/* one header line complete: name, value, value_at, line_at */
	HTTP1_HEADER,
	/* at the first byte of the blank line that ends the head; not consumed yet. The framing has
	 * been judged: what is "valid after HEAD" is valid from here on, and only a broken end of
	 * this very line can still be BAD */
	HTTP1_BLANK,
	/* the head is complete (its last byte was the last one consumed) */
	HTTP1_HEAD,
	/* the message is complete (body and trailers included) */
	HTTP1_END,
	/* not HTTP/1 that two parsers read alike: opaque from here on, for ever. used: some of the
	 * bytes before the fault; every later call says BAD again, used 0 */
	HTTP1_BAD,
	/* no longer HTTP, after 101 or 2xx to CONNECT: opaque from here on. used is 0, here and in
	 * every later call */
	HTTP1_TUNNEL,
};

enum http1_body { HTTP1_BODY_NONE, HTTP1_BODY_LENGTH, HTTP1_BODY_CHUNKED, HTTP1_BODY_CLOSE };

struct http1_slice {
	const char *at;
	size_t len;
};

/**
 * What one call to http1_feed() found. Slices are valid until the next call, until the input goes,
 * or until the line buffer is used for something else. FIRST and HEADER set them, what they do not
 * name is zero and offsets are -1; other events set `used` only.
 */
struct http1_step {
	size_t used;			/* bytes of this call's input that are now consumed */
	struct http1_slice method;	/* FIRST of a request */
	struct http1_slice target;	/* FIRST of a request: as sent; cut to the line buffer */
	struct http1_slice name;	/* HEADER: as sent, any case */
	/* HEADER: optional white space removed. at == NULL when the line was split and too long for
	 * the line buffer (for Content-Length, Transfer-Encoding, Connection and for names that do
	 * not fit that is BAD) */
	struct http1_slice value;
	/* HEADER: the value's offset in this call's input; -1: the line began in an earlier call */
	ptrdiff_t value_at;
	ptrdiff_t line_at;		/* HEADER: the line's first byte, the same way */
};

/**
 * State of one direction. The public part may be read at any time; `line` and `line_cap` are given
 * by the owner (any time no line is held in it: line_len == 0).
 *
 * A copy may be put back to take feeding back, if `line` still holds the line that it held then: a
 * line only grows in its buffer, what is there is not written again while it is held.
 */
struct http1 {
	/* set by the owner */
	char *line;			/* room for one split line, or NULL */
	uint32_t line_cap;
	/* a response's framing depends on its request: http1_expect() before its START is passed.
	 * They stay over 1xx responses and are false again after the END of a final one */
	bool to_head;			/* answers HEAD: no body */
	bool to_connect;		/* answers CONNECT: a 2xx makes the rest a tunnel */
	bool brief;			/* report no BLANK */
	bool quiet;			/* report no HEADER and no HEAD: lines that say nothing of framing are not
					 * looked into, only passed over. Not for streams that are edited. */

	/* public, valid after FIRST until the next START */
	enum http1_role role;
	uint16_t status;		/* responses; each 1xx is a message of its own */
	uint8_t minor;			/* HTTP/1.minor: 0 or 1 */
	bool is_head;			/* requests: method is HEAD */
	bool is_connect;		/* requests: method is CONNECT */
	/* valid after HEAD */
	bool keep_alive;		/* for all this side says, another message may follow */
	bool upgrade;			/* Upgrade: with Connection: upgrade */
	bool expect_continue;		/* requests of HTTP/1.1: Expect: 100-continue */
	enum http1_body body;
	uint64_t content_length;	/* BODY_LENGTH: as announced */
	uint64_t body_bytes;		/* payload bytes seen so far (chunk framing not counted) */
	uint32_t head_bytes;		/* bytes of the head so far, line ends included */

	/* private, but for: line_len == 0 means that `line` holds nothing */
	uint32_t line_len;
	uint16_t flags;			/* what the head said, how the held line stands */
	uint16_t count;			/* header or trailer lines; bytes of a chunk-size line */
	uint8_t state;
	char tail[HTTP1_TAIL];
	uint64_t left;			/* payload bytes to come, of the body or of the chunk; the
					 * trailer's bytes so far */
};

void http1_init(struct http1 *p, enum http1_role role);

/** Tells a response parser what its next response answers. */
void http1_expect(struct http1 *p, bool to_head, bool to_connect);

/**
 * Consumes bytes up to the next thing worth reporting. Call again with the rest until MORE. START,
 * BLANK may be reported with used == 0; each is reported once per message, so the loop ends.
 * A request parser reports START and then BAD as soon as the first bytes cannot be a request line
 * ("PRI * HTTP/2.0" included), a response parser when they cannot be "HTTP/1.".
 */
enum http1_event http1_feed(struct http1 *p, const char *buf, size_t len, struct http1_step *step);

/**
 * @len body bytes passed that nobody saw (sendfile, splice). *message_end: they ended the message,
 * as END would have said (END is not reported again). False: they were no body bytes, framing is
 * lost, the stream is opaque now. An opaque stream has nothing to lose: true.
 */
bool http1_skip(struct http1 *p, uint64_t len, bool *message_end);

/** The stream ended. True when that completes a message, one that lasts until close: its END. */
bool http1_eof(struct http1 *p);

/** True between messages: the next byte would begin a new one (or an empty line before it). */
bool http1_idle(const struct http1 *p);

/** True once BAD or TUNNEL was reported. */
bool http1_opaque(const struct http1 *p);

/** True when bytes of a body are expected next, chunk framing and trailers included. */
bool http1_in_body(const struct http1 *p);

/** Makes the stream opaque for ever (bytes were missed). */
void http1_lose(struct http1 *p);

#endif
