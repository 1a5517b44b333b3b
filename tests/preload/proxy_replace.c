/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard I5: a proxy that forwards what it read gets its traceparent replaced where it stands,
 * never a second one; other headers keep their places. An upper-case name and odd white space are
 * the same header.
 *
 * expect-span: SERVER GET /p1 trace=0af7651916cd43dd8448eb211c80319c parent-id=b7ad6b7169203331
 * expect-span: CLIENT GET /p1 parent=SERVER:/p1 status=200
 * expect-span: SERVER GET /p2 parent=remote status=200 trace=1af7651916cd43dd8448eb211c80319c
 * expect-span: CLIENT GET /p2 parent=SERVER:/p2 status=200
 * expect-wire: ^traceparent:\s*00-0af7651916cd43dd8448eb211c80319c-
 * expect-wire: ^traceparent:\s*00-1af7651916cd43dd8448eb211c80319c-
 * expect-wire: ^traceparent x2
 * expect-wire: b7ad6b7169203331 x0
 * expect-wire: ^tracestate:\s*a=1,b=2$
 */
#include "server.h"

static void proxy(int in, int fd, int out, int peer, const char *request)
{
	char buf[4096];
	size_t len;

	peer_text(in, request);
	len = read_until(fd, buf, sizeof(buf), "\r\n\r\n");
	write_all(out, buf, len);
	peer_request(peer, buf, sizeof(buf));
	printf("%s", buf);
	peer_text(peer, PEER_OK);
	len = read_until(out, buf, sizeof(buf), "ok");
	write_all(fd, buf, len);
	printf("%d\n", peer_response(in, buf, sizeof(buf)));
}

int main(void)
{
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port);
	int in = peer_connect(port), fd = accept(listener, NULL, NULL),
	    out = client_connect(back_port);
	int peer = peer_accept(back);

	proxy(in, fd, out, peer,
	      "GET /p1 HTTP/1.1\r\nHost: h\r\nA: 1\r\n"
	      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
	      "tracestate: a=1,b=2\r\nB: 2\r\n\r\n");
	proxy(in, fd, out, peer,
	      "GET /p2 HTTP/1.1\r\nHost: h\r\nA: 1\r\n"
	      "TraceParent:   \t00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01  \r\nB: "
	      "2\r\n\r\n");
	return 0;
}
