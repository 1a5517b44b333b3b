/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way to read and to write a stream is seen: one request through each pair of calls, read in
 * a server and sent by a client.
 *
 * expect-span: SERVER GET /0 parent=none status=200
 * expect-span: SERVER GET /1 parent=none status=200
 * expect-span: SERVER GET /2 parent=none status=200
 * expect-span: SERVER GET /3 parent=none status=200
 * expect-span: SERVER GET /4 parent=none status=200
 * expect-span: SERVER GET /5 parent=none status=200
 * expect-span: CLIENT GET /0 parent=SERVER:/0 status=200
 * expect-span: CLIENT GET /1 parent=SERVER:/1 status=200
 * expect-span: CLIENT GET /2 parent=SERVER:/2 status=200
 * expect-span: CLIENT GET /3 parent=SERVER:/3 status=200
 * expect-span: CLIENT GET /4 parent=SERVER:/4 status=200
 * expect-span: CLIENT GET /5 parent=SERVER:/5 status=200
 * expect-wire: ^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03$ x6
 */
#include "server.h"

#include <sys/uio.h>

static ssize_t receive(int how, int fd, char *buf, size_t cap)
{
	struct iovec iov[2] = {{buf, 7}, {buf + 7, cap - 7}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	struct mmsghdr many = {.msg_hdr = msg};

	switch (how) {
	case 0:
		return read(fd, buf, cap);
	case 1:
		return readv(fd, iov, 2);
	case 2:
		if (recv(fd, buf, 5, MSG_PEEK) != 5)
			die("peek");
		return recv(fd, buf, cap, 0);
	case 3:
		return recvfrom(fd, buf, cap, 0, NULL, NULL);
	case 4:
		return recvmsg(fd, &msg, 0);
	default:
		return recvmmsg(fd, &many, 1, 0, NULL) == 1 ? (ssize_t)many.msg_len : -1;
	}
}

static ssize_t transmit(int how, int fd, char *buf, size_t len)
{
	struct iovec iov[2] = {{buf, 7}, {buf + 7, len - 7}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	switch (how) {
	case 0:
		return write(fd, buf, len);
	case 1:
		return writev(fd, iov, 2);
	case 2:
		return send(fd, buf, len, MSG_NOSIGNAL);
	case 3:
		return sendto(fd, buf, len, 0, NULL, 0);
	default:
		return sendmsg(fd, &msg, 0);
	}
}

int main(void)
{
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port);
	int in = peer_connect(port), fd = accept(listener, NULL, NULL),
	    out = client_connect(back_port);
	int peer = peer_accept(back);
	char request[] = "GET /0 HTTP/1.1\r\nHost: h\r\n\r\n", ok[] = PEER_OK, buf[4096];
	size_t len = strlen(request), ok_len = strlen(ok);

	for (int how = 0; how < 6; how++) {
		request[5] = (char)('0' + how);
		peer_text(in, request);
		printf("%d: %zd", how, receive(how, fd, buf, sizeof(buf)));
		printf(" %zd\n", transmit(how, out, request, len));
		peer_request(peer, buf, sizeof(buf));
		printf("%s", buf);
		peer_text(peer, PEER_OK);
		printf("%zd", receive(how, out, buf, sizeof(buf)));
		printf(" %zd", transmit(how, fd, ok, ok_len));
		printf(" %d\n", peer_response(in, buf, sizeof(buf)));
	}
	return 0;
}
