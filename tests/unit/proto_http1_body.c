/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beside the bytes: bodies that pass unseen, streams that end, states an owner may ask for, bodies
 * that are large.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http1_events.h"

#define OK_LENGTH "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
#define OK_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define OK_CLOSE "HTTP/1.1 200 OK\r\n\r\n"

/* A response parser that was fed @text. */
static struct events *fed(const char *text)
{
	struct events *e = events_new(HTTP1_RESPONSE, 4096, NULL);

	events_feed_guarded(e, text, strlen(text));
	return e;
}

static void test_skip_length(void **state)
{
	struct events *e = fed(OK_LENGTH "ab");
	bool end = true;

	(void)state;
	assert_true(http1_skip(&e->parser, 0, &end));
	assert_false(end);
	assert_true(http1_skip(&e->parser, 3, &end));
	assert_false(end);
	assert_true(http1_in_body(&e->parser));
	events_feed(e, "c", 1);
	assert_true(http1_skip(&e->parser, 4, &end));
	assert_true(end);
	assert_true(http1_idle(&e->parser));
	assert_int_equal(e->parser.body_bytes, 10);
	/* END was said by skip: the next thing is the next message */
	events_feed(e, "HTTP", 4);
	assert_string_equal(e->text, "start | 200 1.1 | Content-Length=10 | blank | "
				     "head:length=10,keep | start");
	events_free(e);
}

static void test_skip_forgets_what_was_expected(void **state)
{
	struct events *e = fed(OK_LENGTH);
	bool end;

	(void)state;
	http1_expect(&e->parser, true, true);
	assert_true(http1_skip(&e->parser, 9, &end));
	assert_true(e->parser.to_head && e->parser.to_connect);
	assert_true(http1_skip(&e->parser, 1, &end));
	assert_true(end);
	assert_false(e->parser.to_head || e->parser.to_connect);
	events_free(e);
}

static void test_skip_too_far(void **state)
{
	struct events *e = fed(OK_LENGTH);
	bool end = true;

	(void)state;
	assert_false(http1_skip(&e->parser, 11, &end));
	assert_false(end);
	assert_true(http1_opaque(&e->parser));
	assert_true(http1_skip(&e->parser, 11, &end));
	assert_false(end);
	events_free(e);
}

static void test_skip_chunked(void **state)
{
	struct events *e = fed(OK_CHUNKED "14\r\nab");
	bool end = true;

	(void)state;
	assert_true(http1_skip(&e->parser, 17, &end));
	assert_false(end);
	assert_true(http1_skip(&e->parser, 1, &end));
	assert_false(end);
	assert_int_equal(e->parser.body_bytes, 20);
	events_feed(e, "\r\n0\r\n\r\n", 7);
	assert_string_equal(strrchr(e->text, '|'), "| end:20");
	events_free(e);
	e = fed(OK_CHUNKED "14\r\nab");
	assert_false(http1_skip(&e->parser, 19, &end));
	assert_true(http1_opaque(&e->parser));
	events_free(e);
	e = fed(OK_CHUNKED);
	assert_false(http1_skip(&e->parser, 1, &end));
	assert_true(http1_opaque(&e->parser));
	events_free(e);
}

static void test_skip_close(void **state)
{
	struct events *e = fed(OK_CLOSE "a");
	bool end = true;

	(void)state;
	assert_true(http1_skip(&e->parser, 1ull << 40, &end));
	assert_false(end);
	assert_int_equal(e->parser.body_bytes, (1ull << 40) + 1);
	assert_true(http1_eof(&e->parser));
	events_free(e);
}

static void test_skip_elsewhere(void **state)
{
	static const char *const places[] = { "", "HTTP/1.1", "HTTP/1.1 200 OK\r\n",
					      "HTTP/1.1 200 OK\r\nA: b",
					      "HTTP/1.1 200 OK\r\n\r", OK_CHUNKED "1\r\nx",
					      OK_CHUNKED "0\r\nA" };
	bool end;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct events *e = fed(places[i]);

		assert_true(http1_skip(&e->parser, 0, &end));
		assert_false(http1_opaque(&e->parser));
		assert_false(http1_skip(&e->parser, 1, &end));
		assert_true(http1_opaque(&e->parser));
		assert_false(end);
		events_free(e);
	}
}

static void test_eof(void **state)
{
	static const char *const places[] = { "", "HTTP/1.1", "HTTP/1.1 200 OK\r\n", OK_LENGTH,
					      OK_LENGTH "0123456789", OK_CHUNKED,
					      OK_CHUNKED "0\r\n\r\n", "x" };
	struct events *e;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		e = fed(places[i]);
		assert_false(http1_eof(&e->parser));
		events_free(e);
	}
	e = fed(OK_CLOSE);
	assert_true(http1_in_body(&e->parser));
	e->parser.to_head = true;
	assert_true(http1_eof(&e->parser));
	assert_true(http1_idle(&e->parser));
	assert_false(e->parser.to_head);
	assert_false(http1_eof(&e->parser));
	events_free(e);
}

static void test_lose(void **state)
{
	struct events *e = fed("HTTP/1.1 200 OK\r\nA: b");
	struct http1_step s;

	(void)state;
	assert_false(http1_opaque(&e->parser));
	http1_lose(&e->parser);
	assert_true(http1_opaque(&e->parser));
	assert_int_equal(e->parser.line_len, 0);
	assert_false(http1_idle(&e->parser) || http1_in_body(&e->parser));
	assert_int_equal(http1_feed(&e->parser, "\r\n", 2, &s), HTTP1_BAD);
	assert_int_equal(s.used, 0);
	assert_int_equal(http1_feed(&e->parser, NULL, 0, &s), HTTP1_BAD);
	events_free(e);
}

/* What an owner sees after each of these. */
static void test_places(void **state)
{
	static const struct {
		const char *text;
		bool idle, in_body;
	} places[] = {
		{ "", true, false },
		{ "H", false, false },
		{ "HTTP/1.1 200 OK\r\n", false, false },
		{ "HTTP/1.1 200 OK\r\n\r", false, false },
		{ OK_LENGTH, false, true },
		{ OK_LENGTH "012345678", false, true },
		{ OK_LENGTH "0123456789", true, false },
		{ OK_CHUNKED, false, true },
		{ OK_CHUNKED "1", false, true },
		{ OK_CHUNKED "1\r\nx\r\n0\r\nA: b\r\n\r", false, true },
		{ OK_CHUNKED "1\r\nx\r\n0\r\nA: b\r\n\r\n", true, false },
		{ OK_CLOSE "x", false, true },
		{ "HTTP/1.1 204 No\r\n\r\n", true, false },
		{ "HTTP/1.1 100 Go on\r\n\r\n", true, false },
		{ "HTTP/1.1 101 Switch\r\n\r\n", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct events *e = fed(places[i].text);

		assert_int_equal(http1_idle(&e->parser), places[i].idle);
		assert_int_equal(http1_in_body(&e->parser), places[i].in_body);
		events_free(e);
	}
}

static void test_tunnel_is_due_without_bytes(void **state)
{
	static const char head[] = "HTTP/1.1 101 Switch\r\n\r\n";
	struct http1 p;
	struct http1_step s;
	size_t at = 0;

	(void)state;
	http1_init(&p, HTTP1_RESPONSE);
	while (http1_feed(&p, head + at, sizeof(head) - 1 - at, &s) != HTTP1_HEAD)
		at += s.used;
	assert_int_equal(at + s.used, sizeof(head) - 1);
	assert_false(http1_opaque(&p));
	assert_int_equal(http1_feed(&p, NULL, 0, &s), HTTP1_TUNNEL);
	assert_true(http1_opaque(&p));
	assert_int_equal(http1_feed(&p, "x", 1, &s), HTTP1_TUNNEL);
	assert_int_equal(s.used, 0);
}

/* Between the pieces of a large body the parser only counts. */
static void test_large_bodies(void **state)
{
	static char payload[100000];
	char head[128];
	struct events *e = events_new(HTTP1_RESPONSE, 4096, NULL);

	(void)state;
	memset(payload, '\r', sizeof(payload));
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
		 3 * sizeof(payload));
	events_feed(e, head, strlen(head));
	for (int i = 0; i < 3; i++)
		events_feed_guarded(e, payload, sizeof(payload));
	assert_string_equal(strrchr(e->text, '|'), "| end:300000");
	snprintf(head, sizeof(head), OK_CHUNKED "%zX\r\n", sizeof(payload));
	events_feed(e, head, strlen(head));
	events_feed_guarded(e, payload, sizeof(payload));
	events_feed(e, "\r\n0\r\n\r\n", 7);
	assert_string_equal(strrchr(e->text, '|'), "| end:100000");
	events_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_skip_length),
		cmocka_unit_test(test_skip_forgets_what_was_expected),
		cmocka_unit_test(test_skip_too_far),
		cmocka_unit_test(test_skip_chunked),
		cmocka_unit_test(test_skip_close),
		cmocka_unit_test(test_skip_elsewhere),
		cmocka_unit_test(test_eof),
		cmocka_unit_test(test_lose),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_tunnel_is_due_without_bytes),
		cmocka_unit_test(test_large_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
