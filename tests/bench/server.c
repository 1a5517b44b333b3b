/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small epoll server that answers from memory, and the client it serves, in one process: the
 * client goes past libc, so only the server's side is under the library. tests/bench/server
 * REQUESTS; tests/bench/run counts its instructions with callgrind for two numbers of requests,
 * with the library and without.
 */
#include "tests/preload/server.h"

#include <dlfcn.h>
#include <sys/epoll.h>

#define REQUEST                                                                            \
	"GET /bench HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1\r\nAccept: */*\r\n" \
	"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n"

int main(int argc, char **argv)
{
	int port, listener = server_listen(&port), in = peer_connect(port),
		  fd = accept(listener, NULL, NULL);
	int set = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	long (*past)(long, ...) =
		(long (*)(long, ...))dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "syscall");
	static char buf[4096];

	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	for (long i = argc > 1 ? atol(argv[1]) : 1000; i > 0; i--) {
		past(SYS_sendto, in, REQUEST, sizeof(REQUEST) - 1, 0, NULL, 0);
		if (epoll_wait(set, &event, 1, -1) != 1)
			die("epoll_wait");
		if (recv(event.data.fd, buf, sizeof(buf), 0) <= 0)
			die("recv");
		if (write(event.data.fd, PEER_OK, sizeof(PEER_OK) - 1) <= 0)
			die("write");
		past(SYS_recvfrom, in, buf, sizeof(buf), 0, NULL, NULL);
	}
	return 0;
}
