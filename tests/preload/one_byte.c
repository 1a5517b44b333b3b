/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard I2: a request written one byte at a time still gets its header, once, before the blank
 * line. One that brings its own traceparent that way keeps it untouched: its bytes had left before
 * they were known.
 *
 * expect-span: CLIENT GET /one parent=none status=200
 * expect-span: CLIENT GET /pieces parent=none status=200
 * expect-more-spans
 * expect-wire: ^traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01$
 * expect-wire: ^traceparent: x3
 * expect-wire: ^GET /foreign HTTP/1.1$
 */
#include "server.h"

#include <sys/uio.h>

static void answer(int out, int peer)
{
	char buf[4096];

	peer_request(peer, buf, sizeof(buf));
	printf("%s", buf);
	peer_text(peer, PEER_OK);
	if (!read_until(out, buf, sizeof(buf), "ok"))
		die("answer");
}

static void one_byte(int out, int peer, const char *text)
{
	for (const char *p = text; *p; p++)
		if (write(out, p, 1) != 1)
			die("write");
	answer(out, peer);
}

int main(void)
{
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back);
	struct iovec iov[] = {{(char *)"GET /pie", 8},
			      {(char *)"", 0},
			      {(char *)"ces HTTP/1.1\r\nHost: h\r", 22},
			      {(char *)"\n\r", 2},
			      {(char *)"\n", 1}};

	one_byte(out, peer, "GET /one HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n");
	one_byte(out, peer,
		 "GET /foreign HTTP/1.1\r\nHost: h\r\n"
		 "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nAccept: "
		 "*/*\r\n\r\n");
	if (writev(out, iov, 5) != 33)
		die("writev");
	answer(out, peer);
	return 0;
}
