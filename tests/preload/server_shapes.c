/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of answers: a length, chunks, HEAD, 204, 304, 1xx before the final one, an end by
 * closing, an error, no answer at all. Each ends its own span, and the next request is not
 * mistaken.
 *
 * expect-span: SERVER GET /length status=200 parent=none
 * expect-span: SERVER GET /chunks status=200 parent=none
 * expect-span: SERVER HEAD /head status=200 parent=none
 * expect-span: SERVER GET /empty status=204 parent=none
 * expect-span: SERVER GET /same status=304 parent=none
 * expect-span: SERVER PUT /expect status=201 parent=none
 * expect-span: SERVER GET /error status=503 parent=none
 * expect-span: SERVER GET /close status=200 parent=none
 * expect-span: SERVER GET /silence status=none parent=none
 * expect-counter: requests == 9
 */
#include "server.h"

static void exchange(int in, int fd, const char *request, const char *answer)
{
	char buf[4096];
	ssize_t n;

	peer_text(in, request);
	if (!read_until(fd, buf, sizeof(buf), "\r\n\r\n"))
		die("request");
	write_text(fd, answer);
	n = peer_recv(in, buf, sizeof(buf));
	printf("%.*s\n", (int)n, buf);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

int main(void)
{
	int port, listener = server_listen(&port), in = peer_connect(port),
		  fd = accept(listener, NULL, NULL);
	char buf[256];

	exchange(in, fd, GET("/length"), PEER_OK);
	exchange(in, fd, GET("/chunks"),
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
	exchange(in, fd, "HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n",
		 "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
	exchange(in, fd, GET("/empty"), "HTTP/1.1 204 No Content\r\n\r\n");
	exchange(in, fd, GET("/same"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n");
	exchange(in, fd,
		 "PUT /expect HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: "
		 "3\r\n\r\n",
		 "HTTP/1.1 100 Continue\r\n\r\n");
	peer_text(in, "abc");
	if (!read_until(fd, buf, sizeof(buf), "abc"))
		die("body");
	write_text(fd, "HTTP/1.1 102 Processing\r\n\r\n");
	write_text(fd, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	peer_until(in, buf, sizeof(buf), "Content-Length: 0\r\n\r\n");
	printf("%s", buf);
	exchange(in, fd, GET("/error"), "HTTP/1.1 503 Later\r\nContent-Length: 1\r\n\r\nx");
	exchange(in, fd, GET("/close"), "HTTP/1.1 200 OK\r\n\r\nuntil the end");
	close(fd);
	peer_close(in);
	in = peer_connect(port);
	fd = accept(listener, NULL, NULL);
	peer_text(in, GET("/silence"));
	read_until(fd, buf, sizeof(buf), "\r\n\r\n");
	close(fd);
	printf("%zd\n", peer_recv(in, buf, sizeof(buf)));
	return 0;
}
