/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard B4: every blocking call is still a cancellation point, deferred and asynchronous, and
 * calls that are none did not become one.
 */
#include "server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/uio.h>

static int pair[2], full[2], listener;
static char buf[1 << 16];
static struct iovec iov = {buf, 1}, wide = {buf, sizeof(buf)};

static void *by_read(void *a)
{
	return a + read(pair[0], buf, 1);
}
static void *by_readv(void *a)
{
	return a + readv(pair[0], &iov, 1);
}
static void *by_recv(void *a)
{
	return a + recv(pair[0], buf, 1, 0);
}
static void *by_recvfrom(void *a)
{
	return a + recvfrom(pair[0], buf, 1, 0, NULL, NULL);
}
static void *by_accept(void *a)
{
	return a + accept(listener, NULL, NULL);
}
static void *by_accept4(void *a)
{
	return a + accept4(listener, NULL, NULL, 0);
}
static void *by_write(void *a)
{
	return a + write(full[1], buf, sizeof(buf));
}
static void *by_writev(void *a)
{
	return a + writev(full[1], &wide, 1);
}
static void *by_send(void *a)
{
	return a + send(full[1], buf, sizeof(buf), 0);
}
static void *by_sendto(void *a)
{
	return a + sendto(full[1], buf, sizeof(buf), 0, NULL, 0);
}

static void *by_recvmsg(void *a)
{
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	return a + recvmsg(pair[0], &m, 0);
}

static void *by_sendmsg(void *a)
{
	struct msghdr m = {.msg_iov = &wide, .msg_iovlen = 1};

	return a + sendmsg(full[1], &m, 0);
}

static void *by_poll(void *a)
{
	struct pollfd p = {.fd = pair[0], .events = POLLIN};

	return a + poll(&p, 1, -1);
}

static void *by_ppoll(void *a)
{
	struct pollfd p = {.fd = pair[0], .events = POLLIN};

	return a + ppoll(&p, 1, NULL, NULL);
}

static void *by_select(void *a)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pair[0], &set);
	return a + select(pair[0] + 1, &set, NULL, NULL, NULL);
}

static void *by_epoll(void *a)
{
	struct epoll_event e = {.events = EPOLLIN};
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &e))
		die("epoll_ctl");
	return a + epoll_wait(set, &e, 1, -1);
}

static void *no_point(void *done)
{
	int fd;

	while (!*(volatile int *)done)
		;
	fd = dup(pair[0]);
	shutdown(fd, 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	fd = epoll_create1(0);
	return (void *)(long)(fd > 0);
}

static void *asynchronous(void *routine)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	return ((void *(*)(void *))routine)(NULL);
}

static void cancelled(const char *name, void *(*start)(void *), void *argument)
{
	pthread_t t;
	void *result;

	if (pthread_create(&t, NULL, start, argument))
		die("pthread_create");
	usleep(5000);
	pthread_cancel(t);
	pthread_join(t, &result);
	printf("%-20s %s\n", name, result == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
}

#define BOTH(name) cancelled(#name, name, NULL), cancelled(#name " at once", asynchronous, name)

int main(void)
{
	int port, done = 0;
	void *result;
	pthread_t t;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || socketpair(AF_UNIX, SOCK_STREAM, 0, full))
		die("socketpair");
	listener = server_listen(&port);
	while (send(full[1], buf, 512, MSG_DONTWAIT) > 0)
		;
	BOTH(by_read), BOTH(by_readv), BOTH(by_recv), BOTH(by_recvfrom), BOTH(by_recvmsg);
	BOTH(by_write), BOTH(by_writev), BOTH(by_send), BOTH(by_sendto), BOTH(by_sendmsg);
	BOTH(by_accept), BOTH(by_accept4), BOTH(by_poll), BOTH(by_ppoll), BOTH(by_select),
		BOTH(by_epoll);
	pthread_create(&t, NULL, no_point, &done);
	pthread_cancel(t);
	*(volatile int *)&done = 1;
	pthread_join(t, &result);
	printf("%-20s %s\n", "no point",
	       result == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
	return 0;
}
