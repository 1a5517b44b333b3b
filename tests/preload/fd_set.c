/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard E1: the agent keeps no descriptor. The same numbers are open, and a daemon that closes
 * everything and opens its data file finds only its own bytes in it.
 *
 * expect-span: CLIENT GET /1 parent=none
 * expect-span: CLIENT GET /2 parent=none
 */
#include "server.h"

#include <dirent.h>
#include <sys/stat.h>

static void list(const char *when)
{
	printf("%s:", when);
	for (int fd = 0; fd < 1024; fd++) {
		struct stat st;

		if (!fstat(fd, &st))
			printf(" %d(%o)", fd, st.st_mode & S_IFMT);
	}
	printf("\n");
}

static void exchange(const char *request)
{
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back);
	char buf[1024];

	write_text(out, request);
	peer_request(peer, buf, sizeof(buf));
	printf("%s", buf);
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
	list("in the exchange");
	close(out);
	peer_close(peer);
	peer_close(back);
}

int main(void)
{
	char buf[256];
	ssize_t n;
	int fd;

	list("at start");
	exchange("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
	list("after one");
	closefrom(3);
	fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
	printf("data is %d\n", fd);
	write_text(fd, "IMPORTANT\n");
	exchange("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
	lseek(fd, 0, SEEK_SET);
	n = read(fd, buf, sizeof(buf));
	printf("%.*s", (int)n, buf);
	close_range(3, ~0u, 0);
	list("at the end");
	return 0;
}
