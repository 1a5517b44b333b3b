/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that two parsers could read differently, and bytes that are no HTTP/1 at all: BAD, as
 * early as it can be known, however they are split. Limits too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http1_streams.h"

/* A request line or status line that is none. */
#define FIRST(name, bytes) STREAM(name, REQ, bytes "\r\n\r\n", "start | bad")
#define STATUS(name, bytes) STREAM(name, RES, bytes "\r\n\r\n", "start | bad")

static const struct stream first_lines[] = {
	FIRST("two blanks", "GET  / HTTP/1.1"),
	FIRST("two blanks later", "GET /  HTTP/1.1"),
	FIRST("blank in front", " GET / HTTP/1.1"),
	FIRST("blank behind", "GET / HTTP/1.1 "),
	FIRST("blank in the target", "GET /a b HTTP/1.1"),
	FIRST("tab in the target", "GET /a\tb HTTP/1.1"),
	FIRST("tab for a blank", "GET\t/ HTTP/1.1"),
	FIRST("no target", "GET HTTP/1.1"),
	FIRST("no version: HTTP/0.9", "GET /"),
	FIRST("nothing but a method", "GET"),
	FIRST("HTTP/1.2", "GET / HTTP/1.2"),
	FIRST("HTTP/1.10", "GET / HTTP/1.10"),
	FIRST("HTTP/1.", "GET / HTTP/1."),
	FIRST("HTTP/2.0", "PRI * HTTP/2.0"),
	FIRST("http/1.1", "GET / http/1.1"),
	FIRST("lower-case method", "get / HTTP/1.1"),
	FIRST("method with a digit", "G3T / HTTP/1.1"),
	FIRST("method too long", "ABCDEFGHIJKLMNOPQRSTUVWXY / HTTP/1.1"),
	FIRST("control byte in the target", "GET /\x01 HTTP/1.1"),
	FIRST("DEL in the target", "GET /\x7f HTTP/1.1"),
	FIRST("NUL in the target", "GET /\0 HTTP/1.1"),
	FIRST("bare CR in the target", "GET /\r HTTP/1.1"),
	FIRST("CR CR LF", "GET / HTTP/1.1\r"),
	FIRST("bare LF", "GET / HTTP/1.1\nHost: x"),
	FIRST("two empty lines", "\r\n\r\nGET / HTTP/1.1"),
	FIRST("a response", "HTTP/1.1 200 OK"),
	FIRST("TLS", "\x16\x03\x01"),
	STREAM("an LF in front", REQ, "\nGET / HTTP/1.1\r\n\r\n", "start | bad"),
	STREAM("a CR alone in front", REQ, "\rGET / HTTP/1.1\r\n\r\n", "bad"),
	STATUS("an empty line before a response", "\r\nHTTP/1.1 200 OK"),
	STATUS("a request", "GET / HTTP/1.1"),
	STATUS("response of HTTP/2", "HTTP/2 200"),
	STATUS("response of HTTP/1.2", "HTTP/1.2 200 OK"),
	STATUS("two digits", "HTTP/1.1 20 OK"),
	STATUS("two digits, no reason", "HTTP/1.1 20"),
	STATUS("four digits", "HTTP/1.1 2000 OK"),
	STATUS("status below 100", "HTTP/1.1 099 OK"),
	STATUS("two blanks", "HTTP/1.1  200 OK"),
	STATUS("tab before the reason", "HTTP/1.1 200\tOK"),
	STATUS("control byte in the reason", "HTTP/1.1 200 O\x08K"),
	STATUS("ICY", "ICY 200 OK"),
};

/* Header lines, and what is still reported before they are refused. */
#define REQUEST(name, lines, events)                                                           \
	STREAM(name, REQ, "POST / HTTP/1.1\r\n" lines "\r\n\r\n",                              \
	       "start | POST / 1.1 | " events "bad")
#define RESPONSE(name, lines, events)                                                          \
	STREAM(name, RES, "HTTP/1.1 200 OK\r\n" lines "\r\n\r\n",                              \
	       "start | 200 1.1 | " events "bad")

static const struct stream lines[] = {
	REQUEST("blank before the colon", "Host : x", ""),
	REQUEST("tab before the colon", "Host\t: x", ""),
	REQUEST("no colon", "Host", ""),
	REQUEST("no colon, but one in the line before", "A:b\r\nC", "A=b | "),
	REQUEST("no name", ": x", ""),
	REQUEST("folded line", "A: x\r\n y", "A=x | "),
	REQUEST("folded line with a tab", "A: x\r\n\ty: z", "A=x | "),
	REQUEST("blank in front of the first line", " A: x", ""),
	REQUEST("name with a bracket", "A[]: x", ""),
	REQUEST("name beyond ASCII", "\xc3\xa9: x", ""),
	REQUEST("NUL in a value", "A: x\0y", ""),
	REQUEST("control byte in a value", "A: x\x1fy", ""),
	REQUEST("DEL in a value", "A: 01234567\x7fy", ""),
	REQUEST("control byte far on", "A: 0123456789abcdef0123456789abcdef\x02", ""),
	REQUEST("bare CR in a value", "A: x\rB: y", ""),
	REQUEST("bare CR before CR LF", "A: x\r", ""),
	REQUEST("bare LF in a value", "A: x\nB: y", ""),
	REQUEST("bare LF after a tab", "A: \t\t\nB: y", ""),
	REQUEST("LF for the blank line", "A: x\r\n\nB: y", "A=x | "),
	REQUEST("CR X for the blank line", "A: x\r\n\rX", "A=x | blank | "),
	REQUEST("CR CR LF for the blank line", "A: x\r\n\r", "A=x | blank | "),
};

static const struct stream lengths[] = {
	REQUEST("two lengths", "Content-Length: 1\r\nContent-Length: 2", "Content-Length=1 | "),
	REQUEST("a length twice", "Content-Length: 1\r\nCONTENT-LENGTH: 1", "Content-Length=1 | "),
	REQUEST("a list of lengths", "Content-Length: 1, 1", ""),
	REQUEST("no digits", "Content-Length:", ""),
	REQUEST("plus", "Content-Length: +1", ""),
	REQUEST("minus", "Content-Length: -1", ""),
	REQUEST("hexadecimal", "Content-Length: 0x1", ""),
	REQUEST("inner blank", "Content-Length: 1 1", ""),
	REQUEST("64 bits", "Content-Length: 9223372036854775808", ""),
	REQUEST("65 bits", "Content-Length: 18446744073709551617", ""),
	REQUEST("many digits", "Content-Length: 99999999999999999999999999999999", ""),
	REQUEST("length, then chunked", "Content-Length: 1\r\nTransfer-Encoding: chunked",
		"Content-Length=1 | Transfer-Encoding=chunked | "),
	REQUEST("chunked, then length", "Transfer-Encoding: chunked\r\nContent-Length: 0",
		"Transfer-Encoding=chunked | Content-Length=0 | "),
	RESPONSE("both in a response", "Transfer-Encoding: chunked\r\nContent-Length: 0",
		 "Transfer-Encoding=chunked | Content-Length=0 | "),
	RESPONSE("two lengths in a response", "Content-Length: 1\r\nContent-Length: 1",
		 "Content-Length=1 | "),
	STREAM("CONNECT with a body", REQ, "CONNECT a:1 HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
	       "start | CONNECT a:1 1.1 | Content-Length=1 | bad"),
	STREAM("CONNECT with chunks", REQ,
	       "CONNECT a:1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
	       "start | CONNECT a:1 1.1 | Transfer-Encoding=chunked | bad"),
};

static const struct stream codings[] = {
	REQUEST("chunked twice", "Transfer-Encoding: chunked, chunked", ""),
	REQUEST("chunked in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
		"Transfer-Encoding=chunked | "),
	RESPONSE("chunked twice, not last", "Transfer-Encoding: chunked, gzip, chunked", ""),
	REQUEST("not chunked", "Transfer-Encoding: gzip", "Transfer-Encoding=gzip | "),
	REQUEST("not chunked last", "Transfer-Encoding: chunked, gzip",
		"Transfer-Encoding=chunked, gzip | "),
	REQUEST("not chunked in the last line",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
		"Transfer-Encoding=chunked | Transfer-Encoding=identity | "),
	REQUEST("xchunked", "Transfer-Encoding: xchunked", "Transfer-Encoding=xchunked | "),
	REQUEST("chunkedx", "Transfer-Encoding: chunkedx", "Transfer-Encoding=chunkedx | "),
	REQUEST("quoted", "Transfer-Encoding: \"chunked\"", ""),
	REQUEST("a parameter", "Transfer-Encoding: chunked;q=1", ""),
	REQUEST("two words", "Transfer-Encoding: x chunked", ""),
	REQUEST("no coding", "Transfer-Encoding:", ""),
	REQUEST("empty member", "Transfer-Encoding: chunked,", ""),
	REQUEST("empty member in front", "Transfer-Encoding: ,chunked", ""),
	REQUEST("vertical tab", "Transfer-Encoding: \x0b"
				"chunked", ""),
	REQUEST("beyond ASCII", "Transfer-Encoding: \xe3hunked", ""),
	STREAM("HTTP/1.0", REQ, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	       "start | POST / 1.0 | bad"),
	STREAM("HTTP/1.0 response", RES, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	       "start | 200 1.0 | bad"),
};

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_EVENTS "start | 200 1.1 | Transfer-Encoding=chunked | blank | head:chunked,keep | "
#define CHUNK(name, bytes) STREAM(name, RES, CHUNKED bytes, CHUNKED_EVENTS "bad")

static const struct stream chunks[] = {
	CHUNK("no size", "\r\n"),
	CHUNK("no size but an extension", ";a\r\n"),
	CHUNK("no digit", "g\r\n"),
	CHUNK("0x", "0x1\r\n"),
	CHUNK("minus", "-1\r\n"),
	CHUNK("sixteen digits", "0000000000000001\r\nx"),
	CHUNK("blank in front", " 1\r\n"),
	CHUNK("blank behind", "1 \r\n"),
	CHUNK("bare LF behind the size", "1\nx"),
	CHUNK("bare CR behind the size", "1\rx"),
	CHUNK("bare LF behind an extension", "1;a\nx\r\n0\r\n\r\n"),
	CHUNK("two LF behind an extension", "1;a\n\nx\r\n0\r\n\r\n"),
	CHUNK("bare CR in an extension", "1;a\rb\r\nx"),
	CHUNK("control byte in an extension", "1;a\x01\r\n"),
	CHUNK("chunk longer than said", "1\r\nxy\r\n"),
	CHUNK("bare LF behind a chunk", "1\r\nx\n0\r\n\r\n"),
	CHUNK("bare CR behind a chunk", "1\r\nx\r0\r\n\r\n"),
	CHUNK("bare LF for the end", "0\r\n\n"),
	CHUNK("CR X for the end", "0\r\n\rX"),
	CHUNK("folded trailer", "0\r\n A: b\r\n\r\n"),
	CHUNK("trailer without a colon", "0\r\nA\r\n\r\n"),
	CHUNK("bare LF in a trailer", "0\r\nA: b\nB: c\r\n\r\n"),
	CHUNK("a message for trailers", "0\r\nHTTP/1.1 200 OK\r\n\r\n"),
};

static void test_first_lines(void **state)
{
	(void)state;
	streams_check(first_lines);
}

static void test_lines(void **state)
{
	(void)state;
	streams_check(lines);
}

static void test_lengths(void **state)
{
	(void)state;
	streams_check(lengths);
}

static void test_codings(void **state)
{
	(void)state;
	streams_check(codings);
}

static void test_chunks(void **state)
{
	(void)state;
	streams_check(chunks);
}

/* Every byte that may not stand in a value, at every place in a word of the scanner. */
static void test_control_bytes(void **state)
{
	char bytes[64];
	struct events *e = events_new(REQ, STREAM_LINE_CAP, NULL);

	(void)state;
	for (unsigned int c = 0; c < 256; c++) {
		for (size_t at = 0; at < 17; at++) {
			const size_t first = sizeof("GET / HTTP/1.1\r\n") - 1;
			bool fine = c == '\t' || (c >= 0x20 && c != 0x7f);

			memcpy(bytes, "GET / HTTP/1.1\r\nA:bbbbbbbbbbbbbbbbb\r\n", first + 21);
			bytes[first + 2 + at] = (char)c;
			events_reset(e, REQ, NULL);
			events_feed_guarded(e, bytes, first + 21);
			assert_int_equal(e->over, !fine);
		}
	}
	events_free(e);
}

/* How many bytes of @bytes are enough to know that it is no HTTP, at once or one by one. */
static size_t known_after(enum http1_role role, const char *bytes)
{
	struct events *once = events_new(role, HTTP1_LINE_MIN, NULL);
	struct events *slowly = events_new(role, HTTP1_LINE_MIN, NULL);
	size_t known = 0;

	for (size_t n = 1; n <= strlen(bytes) && !known; n++) {
		events_reset(once, role, NULL);
		events_feed_guarded(once, bytes, n);
		events_feed_guarded(slowly, bytes + n - 1, 1);
		assert_int_equal(once->over, slowly->over);
		known = once->over ? n : 0;
	}
	events_free(once);
	events_free(slowly);
	return known;
}

static void test_early(void **state)
{
	(void)state;
	assert_int_equal(known_after(REQ, "\x16\x03\x01\x02"), 1);
	assert_int_equal(known_after(REQ, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 12);
	assert_int_equal(known_after(REQ, "SSH-2.0-x\r\n"), 5);
	assert_int_equal(known_after(REQ, "*1\r\n$4\r\nPING\r\n"), 1);
	assert_int_equal(known_after(REQ, "HTTP/1.1 200 OK"), 5);
	assert_int_equal(known_after(REQ, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 25);
	assert_int_equal(known_after(REQ, "GET  /"), 5);
	assert_int_equal(known_after(REQ, "GET / X"), 7);
	assert_int_equal(known_after(REQ, "GET / HTTP/1.1x"), 15);
	assert_int_equal(known_after(REQ, "GET /\n"), 6);
	assert_int_equal(known_after(REQ, "GET / HTTP/1.1"), 0);
	assert_int_equal(known_after(RES, "HTTP/1.0 200 OK and more"), 0);
	assert_int_equal(known_after(RES, "SSH-2.0-x\r\n"), 1);
	assert_int_equal(known_after(RES, "HTTP/2 200"), 6);
	assert_int_equal(known_after(RES, "HTTP/1.1 2x0"), 11);
}

static void feed_text(struct events *e, const char *text)
{
	events_feed_guarded(e, text, strlen(text));
}

/* Two heads of @bytes bytes, in pieces. How many events they are worth; none of a line too long. */
static size_t head_of(size_t bytes, size_t piece)
{
	struct events *e = events_new(REQ, HTTP1_HEAD_MAX, NULL);
	char *head = malloc(bytes);
	size_t count;

	assert_non_null(head);
	memset(head, 'x', bytes);
	memcpy(head, "GET /", 5);
	memcpy(head + bytes - 13, " HTTP/1.1\r\n\r\n", 13);
	for (int i = 0; i < 2; i++)
		for (size_t at = 0; at < bytes; at += piece)
			events_feed(e, head + at, bytes - at < piece ? bytes - at : piece);
	count = e->count;
	assert_int_equal(e->over, !http1_idle(&e->parser));
	free(head);
	events_free(e);
	return count;
}

static void test_head_limit(void **state)
{
	static const size_t pieces[] = { 1000000, 4096, 1, 65536, 65535, 65534, 65533 };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		/* start, first line, blank, head, end */
		assert_int_equal(head_of(HTTP1_HEAD_MAX, pieces[i]), 10);
		/* the first line fits, the blank one does not */
		assert_int_equal(head_of(HTTP1_HEAD_MAX + 1, pieces[i]), 3);
		assert_int_equal(head_of(HTTP1_HEAD_MAX + 2, pieces[i]), 3);
		assert_int_equal(head_of(HTTP1_HEAD_MAX + 3, pieces[i]), 2);
		assert_int_equal(head_of(2 * HTTP1_HEAD_MAX, pieces[i]), 2);
	}
}

/* Lines that never end are not waited for. */
static void test_endless_line(void **state)
{
	static char x[HTTP1_HEAD_MAX];
	struct events *e = events_new(REQ, STREAM_LINE_CAP, NULL);

	(void)state;
	memset(x, 'x', sizeof(x));
	feed_text(e, "GET / HTTP/1.1\r\nA:");
	events_feed(e, x, sizeof(x) - 18);
	assert_false(e->over);
	events_feed(e, x, 1);
	assert_true(e->over);
	events_reset(e, RES, NULL);
	feed_text(e, CHUNKED "0\r\nA:");
	events_feed(e, x, sizeof(x) - 2);
	assert_false(e->over);
	events_feed(e, x, 1);
	assert_true(e->over);
	events_free(e);
}

static void feed_lines(struct events *e, int count)
{
	for (int i = 0; i < count; i++)
		feed_text(e, "A: b\r\n");
}

static void test_line_count(void **state)
{
	struct events *e = events_new(RES, STREAM_LINE_CAP, NULL);

	(void)state;
	for (int i = 0; i < 2; i++) {
		feed_text(e, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
		feed_lines(e, HTTP1_HEADERS_MAX - 1);
		feed_text(e, "\r\n0\r\n");
		feed_lines(e, HTTP1_HEADERS_MAX);
		assert_true(http1_in_body(&e->parser));
		feed_text(e, "\r\n");
	}
	feed_text(e, CHUNKED "0\r\n");
	feed_lines(e, HTTP1_HEADERS_MAX + 1);
	assert_true(e->over);
	events_reset(e, RES, NULL);
	feed_text(e, "HTTP/1.1 200 OK\r\n");
	feed_lines(e, HTTP1_HEADERS_MAX);
	assert_false(e->over);
	feed_lines(e, 1);
	assert_true(e->over);
	events_free(e);
}

/* One extension may be long, and every chunk may have one. */
static void test_chunk_line_limit(void **state)
{
	static char x[HTTP1_CHUNK_LINE_MAX];
	struct events *e = events_new(RES, STREAM_LINE_CAP, NULL);

	(void)state;
	memset(x, 'x', sizeof(x));
	feed_text(e, CHUNKED);
	for (int i = 0; i < 3; i++) {
		feed_text(e, "1;");
		events_feed(e, x, sizeof(x) - 1);
		feed_text(e, "\r\nx\r\n");
		assert_false(e->over);
	}
	feed_text(e, "1;");
	events_feed(e, x, sizeof(x) - 2);
	events_feed(e, x, 2);
	assert_true(e->over);
	events_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_lines),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_codings),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_control_bytes),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_head_limit),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_line_count),
		cmocka_unit_test(test_chunk_line_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
