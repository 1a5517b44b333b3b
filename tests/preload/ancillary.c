/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard I8: control data goes over once. A request sent with sendmsg and a descriptor beside it
 * over a UNIX connection, whole and in two pieces, brings one descriptor and the whole request.
 *
 * expect-more-spans
 */
#include "server.h"

#include <sys/un.h>

union room {
	char bytes[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

static void pass(int out, const char *text, size_t len, int fd)
{
	union room control = {{0}};
	struct iovec iov = {(char *)text, len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = CMSG_SPACE(sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	printf("sent %zd of %zu\n", sendmsg(out, &msg, 0), len);
}

static void take(int peer)
{
	static char buf[4096];
	size_t len = 0, descriptors = 0;

	while (!strstr(buf, "\r\n\r\n")) {
		union room control;
		struct iovec iov = {buf + len, sizeof(buf) - 1 - len};
		struct msghdr msg = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control.bytes,
				     .msg_controllen = sizeof(control)};
		long n = syscall(SYS_recvmsg, peer, &msg, MSG_CMSG_CLOEXEC);

		if (n <= 0)
			die("recvmsg");
		len += (size_t)n;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
			descriptors += (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	}
	len = peer_strip(buf, len);
	printf("%.*s%zu descriptors\n", (int)len, buf, descriptors);
	memset(buf, 0, sizeof(buf));
}

int main(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int back = (int)syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0),
	    out = socket(AF_UNIX, SOCK_STREAM, 0), peer;
	const char *request = "GET /passed HTTP/1.1\r\nHost: h\r\n\r\n";
	char buf[256];

	if (syscall(SYS_bind, back, &a, sizeof(a)) || syscall(SYS_listen, back, 1) ||
	    connect(out, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	peer = peer_accept(back);
	pass(out, request, strlen(request), 0);
	take(peer);
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
	pass(out, request, 10, 1);
	pass(out, request + 10, strlen(request) - 10, 2);
	take(peer);
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
	return 0;
}
