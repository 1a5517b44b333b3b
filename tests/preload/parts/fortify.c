/* SPDX-License-Identifier: Apache-2.0 */
/* Reads through every call that _FORTIFY_SOURCE renames. See fortify.sh. */
#include "server.h"

#include <poll.h>
#include <stdlib.h>

static ssize_t receive(int how, int fd, char *buf, size_t size)
{
	/* Sizes the compiler cannot know but the library can check: the renamed calls. */
	size_t n = size - (size_t)atoi("1");
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}};
	struct timespec second = {1, 0};
	char local[512];
	ssize_t got;

	if (how == 0 && poll(p, (nfds_t)atoi("1"), 1000) != 1)
		die("poll");
	if (how == 1 && ppoll(p, (nfds_t)atoi("1"), &second, NULL) != 1)
		die("ppoll");
	n = n < sizeof(local) ? n : sizeof(local) - (size_t)atoi("1");
	switch (how) {
	case 0:
		got = read(fd, local, n);
		break;
	case 1:
		got = recv(fd, local, n, 0);
		break;
	case 2:
		got = recvfrom(fd, local, n, 0, NULL, NULL);
		break;
	default:
		got = read(fd, local, n);
	}
	if (got > 0)
		memcpy(buf, local, (size_t)got);
	return got;
}

int main(void)
{
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port);
	int in = peer_connect(port), fd = accept(listener, NULL, NULL),
	    out = client_connect(back_port);
	int peer = peer_accept(back);
	char request[] = "GET /0 HTTP/1.1\r\nHost: h\r\n\r\n", buf[1024];

	for (int how = 0; how < 5; how++) {
		request[5] = (char)('0' + how);
		peer_text(in, request);
		printf("%zd\n", receive(how, fd, buf, sizeof(buf)));
		write_text(out, "GET /out HTTP/1.1\r\nHost: b\r\n\r\n");
		peer_request(peer, buf, sizeof(buf));
		printf("%s", buf);
		peer_text(peer, PEER_OK);
		printf("%zd\n", receive(how, out, buf, sizeof(buf)));
		write_text(fd, PEER_OK);
		printf("%d\n", peer_response(in, buf, sizeof(buf)));
	}
	return 0;
}
