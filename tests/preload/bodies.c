/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards I3, I4: a body that looks like a request is a body, whether it has a length or comes in
 * chunks, in one call with its head or in calls of its own; and an answer's body is one too.
 *
 * expect-span: CLIENT POST /length parent=none status=200
 * expect-span: CLIENT POST /later parent=none status=200
 * expect-span: CLIENT POST /chunks parent=none status=200
 * expect-span: CLIENT GET /last parent=none status=200
 * expect-wire: ^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03$ x4
 */
#include "server.h"

#define FAKE "GET /fake HTTP/1.1\r\nHost: h\r\n\r\n"
#define CHUNKED_ANSWER                                                    \
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n21;x=y\r\n" \
	"HTTP/1.1 500 No\r\n\r\nHTTP/1.1 500 N\r\n0\r\nEnd: ok\r\n\r\n"

static int out, peer;

/** Shows what comes, through the text @end, without our lines. */
static void shows(const char *end)
{
	char buf[4096];
	size_t len = peer_until(peer, buf, sizeof(buf), end);

	peer_wire(buf, len);
	len = peer_strip(buf, len);
	printf("%.*s\n--\n", (int)len, buf);
}

static void answered(const char *text, const char *end)
{
	char buf[4096];

	peer_text(peer, text);
	if (!read_until(out, buf, sizeof(buf), end))
		die("answer");
}

int main(void)
{
	int port, back = peer_listen(&port);

	out = client_connect(port);
	peer = peer_accept(back);
	write_text(out, "POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: 66\r\n\r\n" FAKE FAKE
			"end1");
	shows("end1");
	answered("HTTP/1.1 200 OK\r\nContent-Length: 51\r\n\r\nHTTP/1.1 500 No\r\n\r\n" FAKE "x",
		 FAKE "x");
	write_text(out, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 35\r\n\r\n");
	write_text(out, FAKE);
	write_text(out, "end2");
	shows("end2");
	answered(PEER_OK, "ok");
	write_text(out, "POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
			"chunked\r\n\r\n1F\r\n" FAKE);
	write_text(out, "\r\n23;a=b\r\n" FAKE "end3\r\n0\r\n");
	write_text(out, "Trailer: GET / HTTP/1.1\r\n\r\n");
	shows("Trailer: GET / HTTP/1.1\r\n\r\n");
	answered(CHUNKED_ANSWER, "End: ok\r\n\r\n");
	write_text(out, "GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
	shows("\r\n\r\n");
	answered(PEER_OK, "ok");
	return 0;
}
