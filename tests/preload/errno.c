/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard B1: errno after every call is libc's own: after a failure its reason, after a success what
 * it was before. Once with descriptors nobody watches, once with a watched connection.
 *
 * expect-span: CLIENT GET /errno parent=none
 */
#include "server.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define SHOW(call)                                                \
	do {                                                      \
		errno = EXFULL;                                   \
		long result_ = (long)(call);                      \
		int error_ = errno;                               \
		printf("%-60s %ld %d\n", #call, result_, error_); \
	} while (0)

static char buf[4096];
static struct iovec iov = {buf, 1};
static struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
static struct mmsghdr many = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
static struct timespec zero;
/* Volatile: the compiler would refuse these arguments; the kernel must. */
static volatile int minus = -1;
static void *volatile nowhere = (void *)8;

static void calls(int fd)
{
	struct sockaddr_in a = peer_address(1);
	struct pollfd p = {.fd = fd, .events = POLLPRI};
	struct epoll_event event;
	socklen_t len = sizeof(a);

	SHOW(read(fd, NULL, 0));
	SHOW(readv(fd, &iov, minus));
	SHOW(pread(fd, buf, 1, 0));
	SHOW(recv(fd, buf, 1, MSG_DONTWAIT));
	SHOW(recvfrom(fd, buf, 1, MSG_DONTWAIT, (struct sockaddr *)&a, &len));
	SHOW(recvmsg(fd, &msg, MSG_DONTWAIT));
	SHOW(recvmmsg(fd, &many, 1, MSG_DONTWAIT, &zero));
	SHOW(writev(fd, &iov, minus));
	SHOW(pwrite(fd, buf, 1, 0));
	SHOW(sendto(fd, buf, 0, MSG_DONTWAIT, (struct sockaddr *)&a, 3));
	SHOW(sendfile(fd, -1, NULL, 1));
	SHOW(splice(fd, NULL, fd, NULL, 1, 0));
	SHOW(tee(fd, fd, 1, 0));
	SHOW(accept(fd, NULL, NULL));
	SHOW(accept4(fd, NULL, NULL, -1));
	SHOW(listen(fd, 0) > 0);
	SHOW(fcntl(fd, 12345));
	SHOW(dup2(fd, -1));
	SHOW(dup3(fd, fd, 0));
	SHOW(fcntl(fd, F_DUPFD, -1));
	SHOW(poll(&p, 1, 0));
	SHOW(ppoll(&p, 1, &zero, NULL));
	SHOW(poll(nowhere, 1, 0));
	SHOW(epoll_wait(fd, &event, 1, 0));
	SHOW(epoll_wait(fd, &event, minus, 0));
	SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event));
	SHOW(select(-1, NULL, NULL, NULL, NULL));
	SHOW(pselect(-1, NULL, NULL, NULL, NULL, NULL));
	SHOW(shutdown(fd, 99));
	SHOW(connect(fd, (struct sockaddr *)&a, 1));
}

static void lonely(void)
{
	SHOW(socket(-1, 0, 0));
	SHOW(socketpair(AF_INET, SOCK_STREAM, 0, nowhere));
	SHOW(epoll_create1(-1));
	SHOW(epoll_create(0));
	SHOW(close(-1));
	SHOW(close_range(5, 4, 0));
	SHOW(dup(-1));
	SHOW(write(-1, buf, 1));
	SHOW(send(-1, buf, 1, 0));
	SHOW(sendmsg(-1, &msg, 0));
	SHOW(sendmmsg(-1, &many, 1, 0));
	SHOW(syscall(-1));
}

int main(void)
{
	int port, listener = peer_listen(&port), fd = client_connect(port),
		  peer = peer_accept(listener);
	int refused = socket(AF_INET, SOCK_STREAM, 0), closed_port,
	    closed = peer_listen(&closed_port);
	struct sockaddr_in a;

	peer_close(closed);
	a = peer_address(closed_port);
	SHOW(connect(refused, (struct sockaddr *)&a, sizeof(a)));
	SHOW(write(fd, "GET /errno HTTP/1.1\r\nHost: h\r\n\r\n", 32));
	peer_request(peer, buf, sizeof(buf));
	printf("%s", buf);
	peer_text(peer, PEER_OK);
	SHOW(read(fd, buf, sizeof(buf)));
	printf("-- a watched connection\n");
	calls(fd);
	printf("-- standard input\n");
	calls(0);
	printf("-- none\n");
	calls(-1);
	lonely();
	SHOW(close(fd));
	SHOW(close(fd));
	return 0;
}
