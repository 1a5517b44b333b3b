/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard E4: an edge-triggered epoll server that reads one byte at a time loses no edge, and a
 * ppoll whose mask unblocks a pending signal returns EINTR.
 *
 * expect-span: SERVER GET /edge x50 parent=none status=200
 */
#include "server.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

static int signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static int waits_for(int set, int fd)
{
	struct epoll_event event;
	int n = epoll_wait(set, &event, 1, 2000);

	return n == 1 && event.data.fd == fd && (event.events & EPOLLIN);
}

int main(void)
{
	int port, listener = server_listen(&port), in = peer_connect(port), set = epoll_create1(0),
		  edges = 0;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timespec second = {2, 0};
	sigset_t blocked, none;
	char buf[256];

	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	for (int i = 0; i < 50; i++) {
		size_t len = 0;
		ssize_t n;

		peer_text(in, "GET /edge HTTP/1.1\r\nHost: h\r\n\r\n");
		edges += waits_for(set, fd);
		while ((n = recv(fd, buf + len, 1, 0)) == 1)
			len++;
		if (n >= 0 || errno != EAGAIN)
			die("recv");
		if (len == 31)
			write_text(fd, PEER_OK);
		peer_response(in, buf, sizeof(buf));
	}
	printf("edges %d, another wait %d\n", edges, epoll_wait(set, &event, 1, 0));
	signal(SIGUSR1, on_signal);
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	errno = 0;
	printf("ppoll %d", ppoll(&p, 1, &second, &none));
	printf(" %s, signals %d\n", errno == EINTR ? "EINTR" : "no EINTR", signals);
	raise(SIGUSR1);
	errno = 0;
	printf("epoll_pwait %d", epoll_pwait(set, &event, 1, 2000, &none));
	printf(" %s, signals %d\n", errno == EINTR ? "EINTR" : "no EINTR", signals);
	return 0;
}
