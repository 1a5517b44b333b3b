/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 parser, fed any stream: whole, one byte at a time and in random pieces it must report
 * the same events at the same places; with a small line buffer it may refuse more, never report
 * otherwise. tests/unit/http1_events.h checks progress and offsets on the way.
 *
 * Input: byte 0 says who speaks ('0' requests, '1' responses, '3' responses to HEAD, '5' to
 * CONNECT, '7' a mixture), byte 1 seeds the pieces, the stream follows.
 */
#include "tests/unit/http1_events.h"

#define WHOLE_CAP 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Body bytes that nobody needs to see pass by http1_skip(). Returns how many of @len did. */
static size_t skip_some(struct events *e, size_t len)
{
	struct http1 *p = &e->parser;
	uint64_t n = len;
	bool end;

	if (e->over || !http1_in_body(p) || p->body == HTTP1_BODY_CHUNKED)
		return 0;
	if (p->body == HTTP1_BODY_LENGTH && n > p->content_length - p->body_bytes)
		n = p->content_length - p->body_bytes;
	events_assert(http1_skip(p, n, &end));
	e->fed += n;
	if (end)
		events_note(e, HTTP1_END, &(struct http1_step){ .used = 0 }, NULL);
	return n;
}

static void feed_pieces(struct events *e, const char *at, size_t len, uint32_t *seed)
{
	uint32_t most = 1u << (next_random(seed) % 9);
	size_t n;

	while (len) {
		n = next_random(seed) % (most + 1);
		n = n < len ? n : len;
		if (next_random(seed) % 4 == 0)
			n = skip_some(e, n);
		else
			events_feed_guarded(e, at, n);
		at += n;
		len -= n;
	}
	events_eof(e);
}

static void expect_same(const struct events *e, const struct events *whole)
{
	if (events_same(e, whole))
		return;
	fprintf(stderr, "pieces: %s\nwhole:  %s\n", e->text, whole->text);
	abort();
}

/* A small buffer loses text, not places. */
static void expect_places(const struct events *e, const struct events *whole)
{
	if (strstr(e->text, "bad"))
		return;
	events_assert(e->over == whole->over && e->count == whole->count);
	events_assert(!memcmp(e->offset, whole->offset, e->count * sizeof(e->offset[0])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const answered[] = { "", "HHHHHHHHHHHH", "CCCCCCCCCCCC", "GHGCHGHC" };
	static struct events *whole, *pieces;
	const char *asks = "";
	const char *bytes = (const char *)data + 2;
	enum http1_role role;
	uint32_t seed;

	if (size < 2)
		return 0;
	if (!whole) {
		whole = events_new(HTTP1_REQUEST, WHOLE_CAP, NULL);
		pieces = events_new(HTTP1_REQUEST, WHOLE_CAP, NULL);
	}
	role = data[0] & 1 ? HTTP1_RESPONSE : HTTP1_REQUEST;
	if (role == HTTP1_RESPONSE)
		asks = answered[data[0] >> 1 & 3];
	seed = data[1] * 7919u + (uint32_t)size;
	events_reset(whole, role, asks);
	events_feed_guarded(whole, bytes, size - 2);
	events_eof(whole);
	pieces->line_cap = WHOLE_CAP;
	events_reset(pieces, role, asks);
	for (size_t i = 0; i < size - 2; i++)
		events_feed_guarded(pieces, bytes + i, 1);
	events_eof(pieces);
	expect_same(pieces, whole);
	for (int round = 0; round < 4; round++) {
		pieces->line_cap = round < 3 ? WHOLE_CAP : HTTP1_LINE_MIN + seed % 64;
		events_reset(pieces, role, asks);
		feed_pieces(pieces, bytes, size - 2, &seed);
		if (round < 3)
			expect_same(pieces, whole);
		else
			expect_places(pieces, whole);
	}
	return 0;
}
