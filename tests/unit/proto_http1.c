/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that are HTTP/1: what is reported, message after message, however they are split.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http1_streams.h"

static const struct stream requests[] = {
	STREAM("smallest", REQ, "GET / HTTP/1.1\r\n\r\n",
	       "start | GET / 1.1 | blank | head:none,keep | end:0"),
	STREAM("empty stream", REQ, "", ""),
	STREAM("headers", REQ,
	       "GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept:*/*\r\nX-Empty:\r\nX-Blank: \t \r\n"
	       "X-Pad: \t a b\tc \t\r\n\r\n",
	       "start | GET /a?b=c 1.1 | Host=x | Accept=*/* | X-Empty= | X-Blank= | "
	       "X-Pad=a b\tc | "
	       "blank | head:none,keep | end:0"),
	STREAM("values beyond ASCII", REQ, "GET /\xc3\xa9 HTTP/1.1\r\nX: \x80\xff\r\n\r\n",
	       "start | GET /\xc3\xa9 1.1 | X=\x80\xff | blank | head:none,keep | end:0"),
	STREAM("every token byte", REQ, "M-SEARCH * HTTP/1.1\r\n!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\n",
	       "start | M-SEARCH * 1.1 | !#$%&'*+-.^_`|~09azAZ=1 | blank | head:none,keep | end:0"),
	STREAM("longest method", REQ, "ABCDEFGHIJKLMNOPQRSTUVWX / HTTP/1.1\r\n\r\n",
	       "start | ABCDEFGHIJKLMNOPQRSTUVWX / 1.1 | blank | head:none,keep | end:0"),
	STREAM("HTTP/1.0", REQ, "GET / HTTP/1.0\r\n\r\n",
	       "start | GET / 1.0 | blank | head:none | end:0"),
	STREAM("HTTP/1.0 kept", REQ, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
	       "start | GET / 1.0 | Connection=Keep-Alive | blank | head:none,keep | end:0"),
	STREAM("closed", REQ, "GET / HTTP/1.1\r\nConnection: foo, CLOSE ,keep-alive\r\n\r\n",
	       "start | GET / 1.1 | Connection=foo, CLOSE ,keep-alive | blank | head:none | end:0"),
	STREAM("body of a length", REQ, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET ",
	       "start | POST / 1.1 | Content-Length=5 | blank | head:length=5,keep | end:5 | "
	       "start"),
	STREAM("body of no length", REQ, "PUT / HTTP/1.1\r\ncontent-length:0\r\n\r\n",
	       "start | PUT / 1.1 | content-length=0 | blank | head:length=0,keep | end:0"),
	STREAM("largest length", REQ,
	       "PUT / HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\nx",
	       "start | PUT / 1.1 | Content-Length=9223372036854775807 | blank | "
	       "head:length=9223372036854775807,keep"),
	STREAM("expect", REQ,
	       "PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nab",
	       "start | PUT / 1.1 | Expect=100-Continue | Content-Length=2 | blank | "
	       "head:length=2,keep,continue | end:2"),
	STREAM("expect means nothing in HTTP/1.0", REQ,
	       "PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n",
	       "start | PUT / 1.0 | Expect=100-continue | blank | head:none | end:0"),
	STREAM("another expectation", REQ, "PUT / HTTP/1.1\r\nExpect: 100-continued\r\n\r\n",
	       "start | PUT / 1.1 | Expect=100-continued | blank | head:none,keep | end:0"),
	STREAM("upgrade", REQ,
	       "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: x,Upgrade\r\n\r\nGET ",
	       "start | GET / 1.1 | Upgrade=websocket | Connection=x,Upgrade | blank | "
	       "head:none,keep,upgrade | end:0 | start"),
	STREAM("upgrade of the next hop only", REQ, "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
	       "start | GET / 1.1 | Upgrade=h2c | blank | head:none,keep | end:0"),
	STREAM("upgrade to nothing", REQ, "GET / HTTP/1.1\r\nConnection: upgrade\r\n\r\n",
	       "start | GET / 1.1 | Connection=upgrade | blank | head:none,keep | end:0"),
	STREAM("CONNECT", REQ,
	       "CONNECT a:1 HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n",
	       "start | CONNECT a:1 1.1 | Content-Length=0 | blank | head:length=0,keep | end:0 | "
	       "start | GET / 1.1"),
	STREAM("HEAD", REQ, "HEAD / HTTP/1.1\r\n\r\n",
	       "start | HEAD / 1.1 | blank | head:none,keep | end:0"),
	STREAM("fault far on in an unfinished line", REQ,
	       "GET /01234567890123456789012345678901234567890123456789012345678901234567 x ",
	       "start"),
	STREAM("one empty line before", REQ, "\r\nGET / HTTP/1.1\r\n\r\n",
	       "start | GET / 1.1 | blank | head:none,keep | end:0"),
	STREAM("pipeline with an empty line between", REQ,
	       "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx\r\n"
	       "GET /3 HTTP/1.1\r\n\r\n",
	       "start | GET /1 1.1 | blank | head:none,keep | end:0 | "
	       "start | POST /2 1.1 | Content-Length=1 | blank | head:length=1,keep | end:1 | "
	       "start | GET /3 1.1 | blank | head:none,keep | end:0"),
	STREAM("nothing of a message stays for the next", REQ,
	       "PUT /1 HTTP/1.1\r\nExpect: 100-continue\r\nUpgrade: x\r\n"
	       "Connection: close, upgrade\r\n"
	       "Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\n",
	       "start | PUT /1 1.1 | Expect=100-continue | Upgrade=x | Connection=close, upgrade | "
	       "Content-Length=3 | blank | head:length=3,upgrade,continue | end:3 | "
	       "start | GET /2 1.1 | blank | head:none,keep | end:0"),
};

static const struct stream chunked[] = {
	STREAM("chunks", REQ,
	       "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n"
	       "0123456789\r\n"
	       "0\r\n\r\nGET",
	       "start | POST / 1.1 | Transfer-Encoding=chunked | blank | head:chunked,keep | "
	       "end:13 | "
	       "start"),
	STREAM("no chunk", REQ, "POST / HTTP/1.1\r\nTRANSFER-ENCODING:CHUNKED\r\n\r\n000\r\n\r\n",
	       "start | POST / 1.1 | TRANSFER-ENCODING=CHUNKED | blank | head:chunked,keep | "
	       "end:0"),
	STREAM("extensions", REQ,
	       "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "2;a=b;c=\"d;\te\"\r\n\r\n\r\n0;last\r\n\r\n",
	       "start | POST / 1.1 | Transfer-Encoding=chunked | blank | head:chunked,keep | "
	       "end:2"),
	STREAM("trailers", REQ,
	       "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "1\r\nx\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\nGET / HTTP/1.1\r\n",
	       "start | POST / 1.1 | Transfer-Encoding=chunked | blank | head:chunked,keep | "
	       "end:1 | "
	       "start | GET / 1.1"),
	STREAM("fifteen digits", REQ,
	       "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000f\r\n"
	       "123456789abcdef\r\n0\r\n\r\n",
	       "start | POST / 1.1 | Transfer-Encoding=chunked | blank | head:chunked,keep | "
	       "end:15"),
	STREAM("codings before", REQ,
	       "POST / HTTP/1.1\r\nTransfer-Encoding: gzip , Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	       "start | POST / 1.1 | Transfer-Encoding=gzip , Chunked | blank | "
	       "head:chunked,keep | "
	       "end:1"),
	STREAM("codings in two lines", RES,
	       "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "1\r\nx\r\n0\r\n\r\n",
	       "start | 200 1.1 | Transfer-Encoding=gzip | Transfer-Encoding=chunked | blank | "
	       "head:chunked,keep | end:1"),
	STREAM("a response's other coding lasts until close", RES,
	       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nHTTP/1.1 200",
	       "start | 200 1.1 | Transfer-Encoding=chunked, gzip | blank | head:close | closed"),
};

static const struct stream responses[] = {
	STREAM("length", RES,
	       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404 Not Found\r\n",
	       "start | 200 1.1 | Content-Length=2 | blank | head:length=2,keep | end:2 | "
	       "start | 404 1.1"),
	STREAM("until close", RES, "HTTP/1.1 200 OK\r\nServer: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	       "start | 200 1.1 | Server=a | blank | head:close | closed"),
	STREAM("until close at once", RES, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
	       "start | 200 1.0 | Connection=keep-alive | blank | head:close | closed"),
	STREAM("HTTP/1.0 kept", RES,
	       "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
	       "start | 200 1.0 | Connection=keep-alive | Content-Length=1 | blank | "
	       "head:length=1,keep | end:1"),
	STREAM("closed", RES, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
	       "start | 200 1.1 | Content-Length=1 | Connection=close | blank | head:length=1 | "
	       "end:1"),
	STREAM("no reason", RES, "HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n",
	       "start | 500 1.1 | Content-Length=0 | blank | head:length=0,keep | end:0"),
	STREAM("not even a blank", RES, "HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n",
	       "start | 299 1.1 | Content-Length=0 | blank | head:length=0,keep | end:0"),
	STREAM("odd reason", RES, "HTTP/1.1 999 a\tb  \xff:\r\nContent-Length: 0\r\n\r\n",
	       "start | 999 1.1 | Content-Length=0 | blank | head:length=0,keep | end:0"),
	STREAM("204 and 304", RES,
	       "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n"
	       "Content-Length: 7\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	       "start | 204 1.1 | blank | head:none,keep | end:0 | "
	       "start | 304 1.1 | Content-Length=7 | blank | head:none,keep | end:0 | "
	       "start | 200 1.1 | Content-Length=1 | blank | head:length=1,keep | end:1"),
	STREAM("answers to HEAD", RES,
	       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "HTTP/1.1 200 OK\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	       "start | 200 1.1 | Content-Length=9 | blank | head:none,keep | end:0 | "
	       "start | 200 1.1 | Transfer-Encoding=chunked | blank | head:none,keep | end:0 | "
	       "start | 200 1.1 | blank | head:none,keep | end:0 | "
	       "start | 200 1.1 | Content-Length=1 | blank | head:length=1,keep | end:1",
	       "HHHG"),
	STREAM("interim responses keep what is expected", RES,
	       "HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
	       "Link: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	       "start | 100 1.1 | Connection=close | blank | head:none,keep | end:0 | "
	       "start | 103 1.1 | Link=</a> | blank | head:none,keep | end:0 | "
	       "start | 200 1.1 | Content-Length=4 | blank | head:none,keep | end:0 | "
	       "start | 200 1.1 | Content-Length=1 | blank | head:length=1,keep | end:1",
	       "HG"),
	STREAM("switching protocols", RES,
	       "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nHTTP/1.1 200",
	       "start | 101 1.1 | Upgrade=h2c | Connection=upgrade | blank | "
	       "head:none,keep,upgrade | "
	       "tunnel"),
	STREAM("CONNECT accepted", RES,
	       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x16\x03",
	       "start | 100 1.1 | blank | head:none,keep | end:0 | "
	       "start | 200 1.1 | Content-Length=9 | blank | head:none,keep | tunnel", "C"),
	STREAM("CONNECT refused, then accepted", RES,
	       "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 299 Yes\r\n\r\n",
	       "start | 407 1.1 | Content-Length=2 | blank | head:length=2,keep | end:2 | "
	       "start | 299 1.1 | blank | head:none,keep | tunnel", "CC"),
};

static void test_requests(void **state)
{
	(void)state;
	streams_check(requests);
}

static void test_chunked(void **state)
{
	(void)state;
	streams_check(chunked);
}

static void test_responses(void **state)
{
	(void)state;
	streams_check(responses);
}

/* Offsets count from the bytes of this very call. */
static void test_offsets(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\ntraceparent:  00-1 \r\n\r\nGET";
	struct http1 p;
	struct http1_step s;

	(void)state;
	http1_init(&p, HTTP1_REQUEST);
	assert_int_equal(http1_feed(&p, head, sizeof(head) - 1, &s), HTTP1_START);
	assert_int_equal(s.used, 0);
	assert_int_equal(http1_feed(&p, head, sizeof(head) - 1, &s), HTTP1_FIRST);
	assert_int_equal(s.used, 16);
	assert_int_equal(p.head_bytes, 16);
	assert_int_equal(http1_feed(&p, head + 16, sizeof(head) - 17, &s), HTTP1_HEADER);
	assert_int_equal(s.used, 9);
	assert_int_equal(s.line_at, 0);
	assert_int_equal(s.value_at, 6);
	assert_int_equal(s.value.len, 1);
	assert_int_equal(http1_feed(&p, head + 16, sizeof(head) - 17, &s), HTTP1_HEADER);
	/* the caller fed the same bytes again: that is another line, no magic */
	assert_int_equal(s.line_at, 0);
	assert_int_equal(http1_feed(&p, head + 25, sizeof(head) - 26, &s), HTTP1_HEADER);
	assert_int_equal(s.value_at, 14);
	assert_int_equal(s.value.len, 4);
	assert_memory_equal(s.value.at, "00-1", 4);
	assert_int_equal(http1_feed(&p, head + 46, sizeof(head) - 47, &s), HTTP1_BLANK);
	assert_int_equal(s.used, 0);
	assert_int_equal(http1_feed(&p, head + 46, sizeof(head) - 47, &s), HTTP1_HEAD);
	assert_int_equal(s.used, 2);
	assert_int_equal(p.head_bytes, 16 + 9 + 9 + 21 + 2);
	assert_int_equal(http1_feed(&p, head + 48, sizeof(head) - 49, &s), HTTP1_END);
	assert_int_equal(s.used, 0);
	assert_int_equal(http1_feed(&p, head + 48, sizeof(head) - 49, &s), HTTP1_START);
	assert_int_equal(s.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_chunked),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
