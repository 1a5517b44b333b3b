/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard I3, client and server: three requests in one write each get their own header; three that
 * arrive in one read are three server spans, and the answers written in one call end them in order.
 *
 * expect-span: CLIENT GET /c1 parent=none status=200
 * expect-span: CLIENT GET /c2 parent=none status=404
 * expect-span: CLIENT GET /c3 parent=none status=200
 * expect-span: SERVER GET /s1 parent=none status=200
 * expect-span: SERVER GET /s2 parent=none status=500
 * expect-span: SERVER GET /s3 parent=none status=200
 * expect-wire: ^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03$ x3
 */
#include "server.h"

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define MISSING       "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"
#define BROKEN        "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"

int main(void)
{
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port);
	int out = client_connect(back_port), peer = peer_accept(back), in, fd;
	char buf[4096];
	size_t len;

	write_text(out, REQUEST("/c1") REQUEST("/c2") REQUEST("/c3"));
	for (int i = 0; i < 3; i++) {
		peer_request(peer, buf, sizeof(buf));
		printf("%s", buf);
	}
	peer_text(peer, PEER_OK MISSING PEER_OK);
	len = read_until(out, buf, sizeof(buf), "none" PEER_OK);
	printf("%zu bytes of answers\n", len);

	in = peer_connect(port);
	peer_text(in, REQUEST("/s1") REQUEST("/s2") REQUEST("/s3"));
	fd = accept(listener, NULL, NULL);
	len = read_until(fd, buf, sizeof(buf), "/s3 HTTP/1.1\r\nHost: h\r\n\r\n");
	printf("%zu bytes of requests\n", len);
	write_text(fd, PEER_OK BROKEN PEER_OK);
	for (int i = 0; i < 3; i++)
		printf("%d\n", peer_response(in, buf, sizeof(buf)));
	return 0;
}
