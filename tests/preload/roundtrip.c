/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request in, one call out on its behalf, one answer: the smallest complete trace.
 *
 * expect-span: SERVER GET /a parent=remote status=200 trace=0af7651916cd43dd8448eb211c80319c
 * expect-span: CLIENT GET /b parent=SERVER:/a status=200
 * expect-wire: ^traceparent: 00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$
 * expect-counter: requests == 1
 * expect-counter: exchanges.injected == 1
 * expect-counter: audit.contradict == 0
 */
#include "server.h"

int main(void)
{
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port);
	int in = peer_connect(port), fd, out, peer;
	char buf[4096];

	peer_text(in,
		  "GET /a?secret=1 HTTP/1.1\r\nHost: h\r\n"
		  "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
	fd = accept(listener, NULL, NULL);
	if (!read_until(fd, buf, sizeof(buf), "\r\n\r\n"))
		die("read");
	printf("server got: %s", buf);
	out = client_connect(back_port);
	write_text(out, "GET /b HTTP/1.1\r\nHost: b\r\n\r\n");
	peer = peer_accept(back);
	if (!peer_request(peer, buf, sizeof(buf)))
		die("peer_request");
	printf("peer got: %s", buf);
	peer_text(peer, PEER_OK);
	if (!read_until(out, buf, sizeof(buf), "ok"))
		die("read answer");
	printf("client got: %s\n", buf);
	close(out);
	write_text(fd, PEER_OK);
	printf("status %d\n", peer_response(in, buf, sizeof(buf)));
	close(fd);
	return 0;
}
