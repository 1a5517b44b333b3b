/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard I3: behind a successful CONNECT or a 101 the connection is a tunnel: bytes that look like
 * requests pass as they are. A refused CONNECT is an ordinary exchange.
 *
 * expect-span: CLIENT CONNECT * parent=none status=403
 * expect-span: CLIENT GET /plain parent=none status=200
 * expect-span: CLIENT CONNECT * parent=none status=200
 * expect-span: CLIENT GET /upgrade parent=none status=101
 * expect-wire: ^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03$ x4
 * expect-counter: connections.tunnel == 2
 */
#include "server.h"

static void exchange(int out, int peer, const char *request, const char *answer)
{
	char buf[4096];

	write_text(out, request);
	peer_request(peer, buf, sizeof(buf));
	printf("%s", buf);
	peer_text(peer, answer);
	if (!read_until(out, buf, sizeof(buf), answer + strlen(answer) - 4))
		die("answer");
}

int main(void)
{
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back);

	exchange(out, peer, "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
		 "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nnope");
	exchange(out, peer, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n", PEER_OK);
	exchange(out, peer, "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
		 "HTTP/1.1 200 Connection established\r\n\r\n");
	exchange(out, peer, "GET /inside HTTP/1.1\r\nHost: h\r\n\r\n", PEER_OK);
	close(out);
	peer_close(peer);
	out = client_connect(port);
	peer = peer_accept(back);
	exchange(out, peer,
		 "GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		 "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
	exchange(out, peer, "GET /inside HTTP/1.1\r\nHost: h\r\n\r\n", PEER_OK);
	return 0;
}
