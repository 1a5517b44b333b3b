/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes down what the HTTP/1 parser reports, as text, and feeds it a stream in pieces: each piece
 * a copy in front of a guard page, worthless after the call. Checks on the way what must hold for
 * every stream. Included by tests of proto/http1 and by their fuzz target.
 *
 * The text: events joined by " | ":
 *   start | GET /x 1.1 | Name=value | blank | head:none,keep | end:0
 *   start | 200 1.0 | blank | head:length=3 | end:3 | bad | tunnel | closed (http1_eof() said true)
 */
#ifndef TESTS_UNIT_HTTP1_EVENTS_H
#define TESTS_UNIT_HTTP1_EVENTS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "proto/http1.h"

#define EVENTS_TEXT 262144
#define EVENTS_MAX 8192

struct events {
	struct http1 parser;
	char *line;			/* given to the parser when it asks for room */
	uint32_t line_cap;
	const char *asks;		/* what each response answers: H(EAD), C(ONNECT), others */
	bool expected;			/* http1_expect() was called for the response that comes */
	bool over;			/* bad or tunnel */
	unsigned int rooms;
	size_t fed;			/* bytes consumed before this call */
	size_t count;
	size_t offset[EVENTS_MAX];	/* of each event in the stream */
	size_t text_len;
	char text[EVENTS_TEXT];
};

#define events_assert(ok)                                                                      \
	do {                                                                                   \
		if (!(ok)) {                                                                   \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #ok);               \
			abort();                                                               \
		}                                                                              \
	} while (0)

/** Ready for a new stream. */
static inline void events_reset(struct events *e, enum http1_role role, const char *asks)
{
	http1_init(&e->parser, role);
	e->asks = asks ? asks : "";
	e->expected = false;
	e->over = false;
	e->rooms = 0;
	e->fed = 0;
	e->count = 0;
	e->text_len = 0;
	e->text[0] = 0;
}

static inline struct events *events_new(enum http1_role role, uint32_t line_cap, const char *asks)
{
	struct events *e = malloc(sizeof(*e));

	events_assert(e);
	e->line = malloc(line_cap);
	events_assert(e->line);
	e->line_cap = line_cap;
	events_reset(e, role, asks);
	return e;
}

static inline void events_free(struct events *e)
{
	free(e->line);
	free(e);
}

__attribute__((format(printf, 2, 3))) static inline void events_add(struct events *e,
								    const char *format, ...)
{
	size_t room = sizeof(e->text) - e->text_len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(e->text + e->text_len, room, format, args);
	va_end(args);
	e->text_len += n > 0 && (size_t)n < room ? (size_t)n : 0;
}

static inline void events_add_slice(struct events *e, struct http1_slice s)
{
	size_t room = sizeof(e->text) - e->text_len - 1;
	size_t n = s.len < room ? s.len : room;

	if (n)
		memcpy(e->text + e->text_len, s.at, n);
	e->text_len += n;
	e->text[e->text_len] = 0;
}

static inline void events_add_head(struct events *e)
{
	static const char *const bodies[] = { "none", "length", "chunked", "close" };
	const struct http1 *p = &e->parser;

	events_add(e, "head:%s", bodies[p->body]);
	if (p->body == HTTP1_BODY_LENGTH)
		events_add(e, "=%llu", (unsigned long long)p->content_length);
	events_add(e, "%s%s%s", p->keep_alive ? ",keep" : "", p->upgrade ? ",upgrade" : "",
		   p->expect_continue ? ",continue" : "");
}

static inline void events_add_first(struct events *e, const struct http1_step *step)
{
	const struct http1 *p = &e->parser;

	if (p->role == HTTP1_RESPONSE) {
		events_add(e, "%u 1.%u", p->status, p->minor);
		return;
	}
	events_add_slice(e, step->method);
	events_add(e, " ");
	events_add_slice(e, step->target);
	events_add(e, " 1.%u", p->minor);
	events_assert(p->is_head == (step->method.len == 4 && !memcmp(step->method.at, "HEAD", 4)));
}

static inline void events_add_header(struct events *e, const struct http1_step *step,
				     const char *buf)
{
	events_add_slice(e, step->name);
	events_add(e, "=");
	if (step->value.at)
		events_add_slice(e, step->value);
	else
		events_add(e, "(too long)");
	if (step->line_at >= 0) {
		events_assert(step->name.at == buf + step->line_at);
		events_assert(step->value.at == buf + step->value_at);
		events_assert((size_t)step->value_at + step->value.len <= step->used);
	} else {
		events_assert(step->value_at == -1);
		events_assert(step->name.at == e->line);
	}
}

static inline void events_started(struct events *e)
{
	if (e->expected || !*e->asks)
		return;
	http1_expect(&e->parser, *e->asks == 'H', *e->asks == 'C');
	e->asks++;
	e->expected = true;
}

static inline void events_ended(struct events *e)
{
	const struct http1 *p = &e->parser;

	events_add(e, "end:%llu", (unsigned long long)p->body_bytes);
	events_assert(http1_idle(p) && !http1_in_body(p));
	if (p->role == HTTP1_RESPONSE && p->status < 200)
		return;
	e->expected = false;
	events_assert(!p->to_head && !p->to_connect);
}

/* One event other than MORE and ROOM; its place is where the parser stands now. */
static inline void events_note(struct events *e, enum http1_event event,
			       const struct http1_step *step, const char *buf)
{
	if (e->count < EVENTS_MAX)
		e->offset[e->count++] = event == HTTP1_BAD ? 0 : e->fed + step->used;
	if (e->text_len)
		events_add(e, " | ");
	switch (event) {
	case HTTP1_START:
		events_add(e, "start");
		events_started(e);
		return;
	case HTTP1_FIRST:
		events_add_first(e, step);
		return;
	case HTTP1_HEADER:
		events_add_header(e, step, buf);
		return;
	case HTTP1_BLANK:
		events_add(e, "blank");
		events_assert(step->used == 0 || buf[step->used - 1] == '\n');
		return;
	case HTTP1_HEAD:
		events_add_head(e);
		return;
	case HTTP1_END:
		events_ended(e);
		return;
	default:
		events_add(e, event == HTTP1_BAD ? "bad" : "tunnel");
		e->over = true;
		events_assert(http1_opaque(&e->parser));
		return;
	}
}

/** Feeds one piece until the parser wants more. */
static inline void events_feed(struct events *e, const char *buf, size_t len)
{
	struct http1 *p = &e->parser;
	size_t bound = 2 * len + 16;
	struct http1_step step;
	enum http1_event event;

	while (!e->over) {
		events_assert(bound-- > 0);
		event = http1_feed(p, buf, len, &step);
		events_assert(step.used <= len);
		events_assert(!(http1_idle(p) && http1_in_body(p)));
		if (event == HTTP1_MORE) {
			events_assert(step.used == len);
			e->fed += len;
			return;
		}
		if (event == HTTP1_ROOM) {
			events_assert(!p->line && p->line_len == 0);
			e->rooms++;
			p->line = e->line;
			p->line_cap = e->line_cap;
		} else {
			events_note(e, event, &step, buf);
		}
		e->fed += step.used;
		buf += step.used;
		len -= step.used;
	}
	/* opaque for ever, whatever comes */
	event = http1_feed(p, buf, len, &step);
	events_assert((event == HTTP1_BAD || event == HTTP1_TUNNEL) && step.used == 0);
}

/**
 * Feeds a copy that nobody can read beyond and that is overwritten afterwards. One page for all
 * small pieces: there are many.
 */
static inline void events_feed_guarded(struct events *e, const char *buf, size_t len)
{
	static char blank[1024];
	static char *page;
	char *copy;

	if (len > sizeof(blank)) {
		copy = guard_copy(buf, len);
		events_feed(e, copy, len);
		guard_free(copy, len);
		return;
	}
	if (!page)
		page = guard_copy(blank, sizeof(blank));
	copy = page + sizeof(blank) - len;
	memcpy(copy, buf, len);
	events_feed(e, copy, len);
	memset(copy, '\n', len);
}

static inline void events_eof(struct events *e)
{
	if (!e->over && http1_eof(&e->parser))
		events_add(e, " | closed");
}

static inline bool events_same(const struct events *a, const struct events *b)
{
	return a->count == b->count && strcmp(a->text, b->text) == 0 &&
	       memcmp(a->offset, b->offset, a->count * sizeof(a->offset[0])) == 0;
}

#endif
