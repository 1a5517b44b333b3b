/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a connection for preload tests: it talks through syscall(2), which the agent
 * passes on without a look, so only the end under test is seen. It drops the header lines the agent
 * may add from what it hands back, so that a test prints the same bytes with and without; what
 * really came over the wire is appended to the file named by $TEST_WIRE, where tests/run looks for
 * `expect-wire:` lines.
 */
#ifndef TESTS_PRELOAD_PEER_H
#define TESTS_PRELOAD_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PEER_UNUSED __attribute__((unused))

PEER_UNUSED static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(99);
}

PEER_UNUSED static struct sockaddr_in peer_address(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/** A listening socket that the agent does not know. Its port goes to *port. */
PEER_UNUSED static int peer_listen(int *port)
{
	struct sockaddr_in a = peer_address(0);
	socklen_t len = sizeof(a);
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || syscall(SYS_bind, fd, &a, sizeof(a)) || syscall(SYS_listen, fd, 128) ||
	    syscall(SYS_getsockname, fd, &a, &len))
		die("peer_listen");
	*port = ntohs(a.sin_port);
	return fd;
}

PEER_UNUSED static int peer_accept(int listener)
{
	int fd = (int)syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die("peer_accept");
	return fd;
}

/** A connection that the agent does not know, to a port of the program. */
PEER_UNUSED static int peer_connect(int port)
{
	struct sockaddr_in a = peer_address(port);
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || syscall(SYS_connect, fd, &a, sizeof(a)))
		die("peer_connect");
	return fd;
}

PEER_UNUSED static void peer_close(int fd)
{
	syscall(SYS_close, fd);
}

PEER_UNUSED static void peer_send(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		long n = syscall(SYS_sendto, fd, p, len, MSG_NOSIGNAL, NULL, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("peer_send");
		p += n;
		len -= (size_t)n;
	}
}

PEER_UNUSED static void peer_text(int fd, const char *text)
{
	peer_send(fd, text, strlen(text));
}

PEER_UNUSED static ssize_t peer_recv(int fd, void *data, size_t len)
{
	long n;

	do
		n = syscall(SYS_recvfrom, fd, data, len, 0, NULL, NULL);
	while (n < 0 && errno == EINTR);
	return n;
}

/** Reads up to and including the text @end; returns the length, NUL behind it. */
PEER_UNUSED static size_t peer_until(int fd, char *buf, size_t cap, const char *end)
{
	size_t len = 0, tail = strlen(end);

	while (len + 1 < cap && peer_recv(fd, buf + len, 1) == 1) {
		buf[++len] = '\0';
		if (len >= tail && !strcmp(buf + len - tail, end))
			return len;
	}
	die("peer_until");
	return 0;
}

PEER_UNUSED static void peer_wire(const char *data, size_t len)
{
	const char *path = getenv("TEST_WIRE");
	int fd;

	if (!path)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0600);
	if (fd < 0 || syscall(SYS_write, fd, data, len) != (long)len)
		die("TEST_WIRE");
	syscall(SYS_close, fd);
}

PEER_UNUSED static bool peer_ours(const char *line, size_t len)
{
	static const char *const names[] = {
		"traceparent:", "tracestate:", "baggage:", "x-request-id:", "b3:", "x-b3-"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (len >= strlen(names[i]) && !strncasecmp(line, names[i], strlen(names[i])))
			return true;
	return false;
}

/** Takes the agent's header lines out of the head at @data. Returns what is left. */
PEER_UNUSED static size_t peer_strip(char *data, size_t len)
{
	size_t in = 0, out = 0;

	while (in < len) {
		char *nl = memchr(data + in, '\n', len - in);
		size_t n = nl ? (size_t)(nl - data) + 1 - in : len - in;

		if (n == 2 && data[in] == '\r') {
			memmove(data + out, data + in, len - in);
			return out + len - in;
		}
		if (!peer_ours(data + in, n)) {
			memmove(data + out, data + in, n);
			out += n;
		}
		in += n;
	}
	return out;
}

/**
 * Reads one request: its head, and as much body as Content-Length says. Returns its length without
 * the agent's lines (always followed by a NUL), or 0 at the end of the stream.
 */
PEER_UNUSED static size_t peer_request(int fd, char *buf, size_t cap)
{
	size_t len = 0, want = 0, body = 0;
	char *end, *length;

	while (!want || len < want) {
		/* One byte at a time within the head: the next request stays in the socket. */
		ssize_t n = peer_recv(fd, buf + len, want ? want - len : 1);

		if (n <= 0)
			return 0;
		len += (size_t)n;
		buf[len] = '\0';
		if (!want && len >= 4 && !memcmp(buf + len - 4, "\r\n\r\n", 4)) {
			length = strcasestr(buf, "\r\ncontent-length:");
			body = length ? strtoul(length + 17, NULL, 10) : 0;
			want = len + body;
		}
		if (len + 1 >= cap || want >= cap)
			die("peer_request: too long");
	}
	peer_wire(buf, len);
	len = peer_strip(buf, len);
	buf[len] = '\0';
	end = strstr(buf, "\r\n\r\n");
	if (!end)
		die("peer_request: no head left");
	return len;
}

/** Sends a request and reads the answer's head and Content-Length body into @buf. Returns its
 * status. */
PEER_UNUSED static int peer_response(int fd, char *buf, size_t cap)
{
	size_t len = 0, want = 0;
	char *length;

	while (!want || len < want) {
		ssize_t n = peer_recv(fd, buf + len, want ? want - len : 1);

		if (n <= 0 || len + 1 >= cap)
			return -1;
		len += (size_t)n;
		buf[len] = '\0';
		if (!want && len >= 4 && !memcmp(buf + len - 4, "\r\n\r\n", 4)) {
			length = strcasestr(buf, "\r\ncontent-length:");
			want = len + (length ? strtoul(length + 17, NULL, 10) : 0);
		}
	}
	return atoi(buf + 9);
}

#define PEER_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

#endif
