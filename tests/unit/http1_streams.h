/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams with what the HTTP/1 parser must say of them, and the ways to feed one: whole, split at
 * every byte, at every pair of bytes when short, one byte at a time. Included by proto_http1*.c,
 * which run their own tables through it.
 */
#ifndef TESTS_UNIT_HTTP1_STREAMS_H
#define TESTS_UNIT_HTTP1_STREAMS_H

#include "http1_events.h"

#define STREAM_LINE_CAP 4096
#define STREAM_SHORT 70		/* bytes: all pairs of splits are tried up to here */

struct stream {
	const char *name;
	enum http1_role role;
	const char *bytes;
	size_t len;
	const char *events;		/* see http1_events.h */
	const char *asks;		/* what responses answer, see http1_events.h */
};

#define REQ HTTP1_REQUEST
#define RES HTTP1_RESPONSE

/* Four literals; a fifth is .asks. */
#define STREAM(name, role, bytes, events, ...)                                                 \
	{ name, role, bytes, sizeof(bytes) - 1, events, "" __VA_ARGS__ }

/* Feeds [0, a), [a, b), [b, len) and compares with the whole. */
static inline void stream_split(const struct stream *s, struct events *e,
				const struct events *whole, size_t a, size_t b)
{
	size_t len = s->len;

	events_reset(e, s->role, s->asks);
	events_feed_guarded(e, s->bytes, a);
	events_feed_guarded(e, s->bytes + a, b - a);
	events_feed_guarded(e, s->bytes + b, len - b);
	events_eof(e);
	if (events_same(e, whole))
		return;
	fprintf(stderr, "%s: split at %zu and %zu\n  %s\nbut whole\n  %s\n", s->name, a, b, e->text,
		whole->text);
	abort();
}

static inline void stream_bytewise(const struct stream *s, struct events *e,
				   const struct events *whole)
{
	events_reset(e, s->role, s->asks);
	for (size_t i = 0; i < s->len; i++)
		events_feed_guarded(e, s->bytes + i, 1);
	events_eof(e);
	if (events_same(e, whole))
		return;
	fprintf(stderr, "%s: bytewise\n  %s\nbut whole\n  %s\n", s->name, e->text, whole->text);
	abort();
}

static inline void stream_check(const struct stream *s)
{
	struct events *whole = events_new(s->role, STREAM_LINE_CAP, s->asks);
	struct events *e = events_new(s->role, STREAM_LINE_CAP, s->asks);
	size_t len = s->len;

	events_feed_guarded(whole, s->bytes, len);
	events_eof(whole);
	if (strcmp(whole->text, s->events) != 0) {
		fprintf(stderr, "%s:\n  %s\nbut expected\n  %s\n", s->name, whole->text, s->events);
		abort();
	}
	stream_bytewise(s, e, whole);
	for (size_t a = 0; a <= len; a++) {
		stream_split(s, e, whole, a, a);
		for (size_t b = a + 1; len <= STREAM_SHORT && b <= len; b++)
			stream_split(s, e, whole, a, b);
	}
	events_free(e);
	events_free(whole);
}

#define streams_check(table)                                                                   \
	do {                                                                                   \
		for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++)             \
			stream_check(&(table)[i_]);                                            \
	} while (0)

#endif
