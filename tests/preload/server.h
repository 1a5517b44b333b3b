/* SPDX-License-Identifier: Apache-2.0 */
/* The end under test, for preload tests: plain libc calls that the agent sees. */
#ifndef TESTS_PRELOAD_SERVER_H
#define TESTS_PRELOAD_SERVER_H

#include "peer.h"

/** A listening socket of the program; its port goes to *port. */
PEER_UNUSED static int server_listen(int *port)
{
	struct sockaddr_in a = peer_address(0);
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 128) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		die("server_listen");
	*port = ntohs(a.sin_port);
	return fd;
}

/** A client connection of the program. */
PEER_UNUSED static int client_connect(int port)
{
	struct sockaddr_in a = peer_address(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("client_connect");
	return fd;
}

PEER_UNUSED static void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("write_all");
		data += n;
		len -= (size_t)n;
	}
}

PEER_UNUSED static void write_text(int fd, const char *text)
{
	write_all(fd, text, strlen(text));
}

/** Reads until the bytes @end are there; returns the length, NUL behind it, 0 at the end of the
 * stream. */
PEER_UNUSED static size_t read_until(int fd, char *buf, size_t cap, const char *end)
{
	size_t len = 0;

	while (len + 1 < cap) {
		ssize_t n = read(fd, buf + len, cap - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		len += (size_t)n;
		buf[len] = '\0';
		if (strstr(buf, end))
			return len;
	}
	die("read_until: too long");
	return 0;
}

#endif
