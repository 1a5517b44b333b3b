/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line buffer: when it is asked for, what lies in it, what becomes of lines that do not fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http1_events.h"

#define FEED(p, text, s) http1_feed(p, text, sizeof(text) - 1, s)

static void test_room(void **state)
{
	char line[HTTP1_LINE_MIN];
	struct http1 p;
	struct http1_step s;

	(void)state;
	http1_init(&p, HTTP1_REQUEST);
	assert_int_equal(FEED(&p, "GET / HT", &s), HTTP1_START);
	assert_int_equal(FEED(&p, "GET / HT", &s), HTTP1_ROOM);
	assert_int_equal(s.used, 0);
	assert_int_equal(p.line_len, 0);
	assert_int_equal(FEED(&p, "GET / HT", &s), HTTP1_ROOM);
	p.line = line;
	p.line_cap = sizeof(line);
	assert_int_equal(FEED(&p, "GET / HT", &s), HTTP1_MORE);
	assert_int_equal(s.used, 8);
	assert_int_equal(p.line_len, 8);
	assert_int_equal(FEED(&p, "TP/1.1\r\nA: b\r\nC", &s), HTTP1_FIRST);
	assert_int_equal(s.used, 8);
	assert_int_equal(p.line_len, 0);
	assert_ptr_equal(s.method.at, line);
	/* the owner may take it back between lines; then the next split line asks again */
	p.line = NULL;
	assert_int_equal(FEED(&p, "A: b\r\nC", &s), HTTP1_HEADER);
	assert_int_equal(s.used, 6);
	assert_int_equal(s.line_at, 0);
	assert_int_equal(s.value_at, 3);
	assert_int_equal(FEED(&p, "C", &s), HTTP1_ROOM);
	p.line = line;
	assert_int_equal(FEED(&p, "C: d", &s), HTTP1_MORE);
	assert_int_equal(FEED(&p, "\r\n\r", &s), HTTP1_HEADER);
	assert_int_equal(s.used, 2);
	assert_int_equal(s.line_at, -1);
	assert_int_equal(s.value_at, -1);
	assert_memory_equal(s.value.at, "d", 1);
	assert_int_equal(p.head_bytes, 28);
	/* ... but not while it holds one */
	assert_int_equal(FEED(&p, "E: f", &s), HTTP1_MORE);
	p.line = NULL;
	assert_int_equal(FEED(&p, "\r\n", &s), HTTP1_BAD);
}

/* Without room the bytes before the split line still count. */
static void test_room_used(void **state)
{
	struct http1 p;
	struct http1_step s;

	(void)state;
	http1_init(&p, HTTP1_RESPONSE);
	assert_int_equal(FEED(&p, "HTTP/1.1 200 OK\r\n", &s), HTTP1_START);
	assert_int_equal(FEED(&p, "HTTP/1.1 200 OK\r\n", &s), HTTP1_FIRST);
	assert_int_equal(FEED(&p, "Transfer-Encoding: chunked\r\n", &s), HTTP1_HEADER);
	assert_int_equal(FEED(&p, "\r\n", &s), HTTP1_BLANK);
	assert_int_equal(FEED(&p, "\r\n", &s), HTTP1_HEAD);
	assert_int_equal(FEED(&p, "1\r\nx\r\n0\r\nA: b\r\nC: d", &s), HTTP1_ROOM);
	assert_int_equal(s.used, 15);
	assert_int_equal(FEED(&p, "C: d\r\n", &s), HTTP1_MORE);
	assert_int_equal(FEED(&p, "\r\n", &s), HTTP1_END);
	assert_int_equal(s.used, 2);
}

/* No room is asked for what cannot be HTTP, or for a line that is broken already. */
static void test_no_room_for_bad(void **state)
{
	struct http1 p;
	struct http1_step s;

	(void)state;
	http1_init(&p, HTTP1_REQUEST);
	assert_int_equal(FEED(&p, "\x16\x03", &s), HTTP1_START);
	assert_int_equal(FEED(&p, "\x16\x03", &s), HTTP1_BAD);
	http1_init(&p, HTTP1_REQUEST);
	assert_int_equal(FEED(&p, "SSH-2.0", &s), HTTP1_START);
	assert_int_equal(FEED(&p, "SSH-2.0", &s), HTTP1_BAD);
	http1_init(&p, HTTP1_REQUEST);
	assert_int_equal(FEED(&p, "GET / HTTP/1.1\r\n", &s), HTTP1_START);
	assert_int_equal(FEED(&p, "GET / HTTP/1.1\r\n", &s), HTTP1_FIRST);
	assert_int_equal(FEED(&p, "A: \x01", &s), HTTP1_BAD);
	assert_int_equal(s.used, 0);
}

/* A CR where a line begins is the blank line's, even as the last byte; it needs no room. */
static void test_blank_at_last_byte(void **state)
{
	struct http1 p;
	struct http1_step s;

	(void)state;
	http1_init(&p, HTTP1_REQUEST);
	assert_int_equal(FEED(&p, "GET / HTTP/1.1\r\n\r", &s), HTTP1_START);
	assert_int_equal(FEED(&p, "GET / HTTP/1.1\r\n\r", &s), HTTP1_FIRST);
	assert_int_equal(FEED(&p, "\r", &s), HTTP1_BLANK);
	assert_int_equal(s.used, 0);
	assert_int_equal(FEED(&p, "\r", &s), HTTP1_MORE);
	assert_int_equal(s.used, 1);
	assert_int_equal(FEED(&p, "", &s), HTTP1_MORE);
	assert_int_equal(FEED(&p, "\nG", &s), HTTP1_HEAD);
	assert_int_equal(s.used, 1);
	assert_int_equal(FEED(&p, "", &s), HTTP1_END);
	assert_int_equal(FEED(&p, "", &s), HTTP1_MORE);
}

static void test_tiny_buffer(void **state)
{
	char line[HTTP1_LINE_MIN];
	struct http1 p;
	struct http1_step s;

	(void)state;
	http1_init(&p, HTTP1_REQUEST);
	p.line = line;
	p.line_cap = HTTP1_LINE_MIN - 1;
	assert_int_equal(FEED(&p, "GET", &s), HTTP1_START);
	assert_int_equal(FEED(&p, "GET", &s), HTTP1_BAD);
}

/* "GET /" + @target 'x' + @rest, in pieces; the line buffer has @cap bytes. */
static struct events *long_request(size_t target, const char *rest, size_t piece, uint32_t cap)
{
	struct events *e = events_new(HTTP1_REQUEST, cap, NULL);
	size_t len = 5 + target + strlen(rest);
	char *bytes = malloc(len + 1);

	assert_non_null(bytes);
	memset(bytes, 'x', len);
	memcpy(bytes, "GET /", 5);
	memcpy(bytes + 5 + target, rest, strlen(rest));
	for (size_t at = 0; at < len; at += piece)
		events_feed_guarded(e, bytes + at, len - at < piece ? len - at : piece);
	free(bytes);
	return e;
}

#define CAP 200

static void test_long_target(void **state)
{
	static const char rest[] = " HTTP/1.1\r\nA: b\r\n";
	char expected[512];

	(void)state;
	for (size_t target = 150; target < 400; target++) {
		size_t line = 5 + target + 9;
		size_t kept = line <= CAP ? target + 1 : CAP - 16 - 4;

		for (size_t piece = 1; piece < 60; piece++) {
			struct events *e = long_request(target, rest, piece, CAP);

			strcpy(expected, "start | GET /");
			memset(expected + 13, 'x', kept - 1);
			strcpy(expected + 13 + kept - 1, " 1.1 | A=b");
			assert_string_equal(e->text, expected);
			assert_int_equal(e->offset[1], line + 2);
			events_free(e);
		}
	}
}

/* What was cut out is still looked at. */
static void test_long_target_bad(void **state)
{
	static const char *const rests[] = {
		" xxxxxxxxxxxxxxxxxxxxxx HTTP/1.1\r\n", " x HTTP/1.1\r\n", "  HTTP/1.1\r\n",
		"\txxxxxxxxxxxxxxxxxxxxxx HTTP/1.1\r\n", " HTTP/1.2\r\n", " HTTP/1.1 \r\n",
		"xxxxxxxxx\r\n", " HTTP/1.1\n", " HTTP/1.1\r\r\n", "\x7f HTTP/1.1\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		for (size_t target = 150; target < 300; target++) {
			for (size_t piece = 1; piece < 60; piece += 7) {
				struct events *e = long_request(target, rests[i], piece, CAP);

				assert_string_equal(e->text, "start | bad");
				events_free(e);
			}
		}
	}
}

/* "HTTP/1.1 200 OK", @name, ": ", @len 'y' and the end of the head, in pieces. */
static struct events *long_header(const char *name, size_t len, size_t piece)
{
	struct events *e = events_new(HTTP1_RESPONSE, CAP, NULL);
	char bytes[1024];
	size_t at, end;

	strcpy(bytes, "HTTP/1.1 200 OK\r\n");
	strcat(bytes, name);
	end = strlen(bytes);
	memset(bytes + end, 'y', len);
	strcpy(bytes + end + len, "\r\nZ: z\r\n\r\n");
	end += len + 10;
	for (at = 0; at < end; at += piece)
		events_feed_guarded(e, bytes + at, end - at < piece ? end - at : piece);
	return e;
}

static void test_long_value(void **state)
{
	char fits[512];

	(void)state;
	for (size_t len = 100; len < 400; len++) {
		for (size_t piece = 1; piece < 60; piece++) {
			struct events *e = long_header("A: ", len, piece);
			bool cut = 3 + len > CAP;

			strcpy(fits, "start | 200 1.1 | A=");
			memset(fits + 20, 'y', len);
			strcpy(fits + 20 + len, " | Z=z | blank | head:close");
			assert_string_equal(e->text, cut ? "start | 200 1.1 | A=(too long) | Z=z | "
							   "blank | head:close" : fits);
			assert_int_equal(e->offset[2], 17 + 3 + len + 2);
			events_free(e);
		}
	}
}

/* What frames the message or the connection must be seen whole, and so must every name. */
static void test_long_value_bad(void **state)
{
	static const char *const names[] = {
		"Content-Length:", "transfer-encoding: ", "Connection: ", "A A: ", "A\x80: ",
	};
	char name[2 * CAP];
	struct events *e;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		e = long_header(names[i], CAP, 50);
		assert_string_equal(e->text, "start | 200 1.1 | bad");
		events_free(e);
	}
	e = long_header("", CAP, 50);
	assert_string_equal(e->text, "start | 200 1.1 | bad");
	events_free(e);
	memset(name, 'n', sizeof(name) - 2);
	memcpy(name + sizeof(name) - 2, ":", 2);
	e = long_header(name, 5, 50);
	assert_string_equal(e->text, "start | 200 1.1 | bad");
	events_free(e);
	/* whole in the input nothing is too long */
	e = long_header("Connection: ", 300, 1000);
	assert_non_null(strstr(e->text, "yyy | Z=z | blank | head:close"));
	events_free(e);
}

/* A reason that does not fit is no loss; trailers neither. */
static void test_long_others(void **state)
{
	char bytes[512];
	size_t len;
	struct events *e = events_new(HTTP1_RESPONSE, CAP, NULL);

	(void)state;
	len = (size_t)snprintf(bytes, sizeof(bytes),
			       "HTTP/1.1 404 %0*d\r\nTransfer-Encoding: chunked\r\n\r\n"
			       "0\r\nA: %0*d\r\n\r\n", 192, 1, 199, 1);
	for (size_t i = 0; i < len; i++)
		events_feed_guarded(e, bytes + i, 1);
	assert_string_equal(e->text, "start | 404 1.1 | Transfer-Encoding=chunked | blank | "
				     "head:chunked,keep | end:0");
	events_free(e);
}

/* A call is taken back and its bytes come again, fewer at once: the line is what it should be. */
static void test_taken_back(void **state)
{
	static const char tail[] = " HTTP/1.1\r\nA: b\r\n";
	char bytes[2048];
	size_t len = 300 + sizeof(tail) - 1;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "GET /", 5);
	memcpy(bytes + 300, tail, sizeof(tail));
	for (size_t before = 1; before < 270; before++) {
		for (size_t again = 0; again < 40; again++) {
			struct events *e = events_new(HTTP1_REQUEST, CAP, NULL);
			struct http1 saved;

			events_feed_guarded(e, bytes, before);
			saved = e->parser;
			events_feed_guarded(e, bytes + before, 39);
			e->parser = saved;
			e->fed = before;
			events_feed_guarded(e, bytes + before, again);
			events_feed_guarded(e, bytes + before + again, len - before - again);
			assert_int_equal(e->offset[1], 311);
			assert_non_null(strstr(e->text, "x 1.1 | A=b"));
			assert_int_equal(strspn(e->text + 13, "x"), CAP - 16 - 5);
			events_free(e);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_used),
		cmocka_unit_test(test_no_room_for_bad),
		cmocka_unit_test(test_blank_at_last_byte),
		cmocka_unit_test(test_tiny_buffer),
		cmocka_unit_test(test_long_target),
		cmocka_unit_test(test_long_target_bad),
		cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_long_value),
		cmocka_unit_test(test_long_value_bad),
		cmocka_unit_test(test_long_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
