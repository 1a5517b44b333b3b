/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nanoseconds that a hook adds to its call: tests/bench/hooks [ROUNDS], run under the library (or
 * without: then everything adds nothing). Each call is made through the program's own binding and,
 * in turns, straight into libc; printed is, per line: group, name, median of the bare call, median
 * of what the hook adds.
 *
 *   idle      descriptors nobody watches
 *   watched   an HTTP connection: a read that would block, body bytes
 *   request   a whole request served: read, written, recorded; and one made: written, read,
 * recorded
 */
#include "tests/preload/server.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>

#define ROUNDS_MAX 4001

static struct {
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*readv)(int, const struct iovec *, int);
	ssize_t (*writev)(int, const struct iovec *, int);
	ssize_t (*recv)(int, void *, size_t, int);
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*epoll_wait)(int, struct epoll_event *, int, int);
	int (*socket)(int, int, int);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*accept)(int, struct sockaddr *, socklen_t *);
} hooked = {read,    write, readv,      writev, recv,    send,
	    sendmsg, poll,  epoll_wait, socket, connect, accept},
  bare, *volatile now;

static long (*past)(long, ...);
static int rounds = 401, null_fd, set, served[2], asked[2], answering[2];
static char buf[65536];
static struct iovec iov = {buf, 1};
static struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

static double nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), ascending);
	return values[n / 2];
}

/** Which of the two: 0 straight into libc, 1 through the hook. */
static double once(void (*call)(int which), int which, int times)
{
	double start;

	now = which ? &hooked : &bare;
	call(which);
	start = nanoseconds();
	for (int i = 0; i < times; i++)
		call(which);
	return (nanoseconds() - start) / times;
}

static void measure(const char *group, const char *name, void (*call)(int which), int times)
{
	static double plain[ROUNDS_MAX], more[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++) {
		double a, b;

		/* Who goes first alternates, so that neither always has the warmer caches. */
		if (i & 1) {
			b = once(call, 1, times);
			a = once(call, 0, times);
		} else {
			a = once(call, 0, times);
			b = once(call, 1, times);
		}
		plain[i] = a;
		more[i] = b - a;
	}
	printf("%s %s %.1f %.1f\n", group, name, median(plain, rounds), median(more, rounds));
	fflush(stdout);
}

static void do_read(int which)
{
	(void)which, now->read(null_fd, buf, 1);
}
static void do_write(int which)
{
	(void)which, now->write(null_fd, buf, 1);
}
static void do_readv(int which)
{
	(void)which, now->readv(null_fd, &iov, 1);
}
static void do_writev(int which)
{
	(void)which, now->writev(null_fd, &iov, 1);
}
static void do_recv(int which)
{
	(void)which, now->recv(null_fd, buf, 1, 0);
}
static void do_send(int which)
{
	(void)which, now->send(null_fd, buf, 1, 0);
}
static void do_sendmsg(int which)
{
	(void)which, now->sendmsg(null_fd, &msg, 0);
}
static void do_poll(int which)
{
	(void)which, now->poll(NULL, 0, 0);
}

static void do_epoll_wait(int which)
{
	struct epoll_event event;

	(void)which;
	now->epoll_wait(set, &event, 1, 0);
}

static void would_block(int which)
{
	now->recv(served[which], buf, sizeof(buf), MSG_DONTWAIT);
}

static void body_byte(int which)
{
	now->write(asked[which], buf, 1);
	past(SYS_recvfrom, answering[which], buf, 1, 0, NULL, NULL);
}

#define REQUEST \
	"GET /bench HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n"

static int serving[2], peers[2];

static void request_served(int which)
{
	past(SYS_sendto, peers[which], REQUEST, sizeof(REQUEST) - 1, 0, NULL, 0);
	now->read(serving[which], buf, sizeof(buf));
	now->write(serving[which], PEER_OK, sizeof(PEER_OK) - 1);
	past(SYS_recvfrom, peers[which], buf, sizeof(buf), 0, NULL, NULL);
}

static int calling[2], backends[2];

static void request_made(int which)
{
	now->write(calling[which], REQUEST, sizeof(REQUEST) - 1);
	past(SYS_recvfrom, backends[which], buf, sizeof(buf), 0, NULL, NULL);
	past(SYS_sendto, backends[which], PEER_OK, sizeof(PEER_OK) - 1, 0, NULL, 0);
	now->read(calling[which], buf, sizeof(buf));
}

/** A connection to a peer nobody sees, made by the hook or past it. */
static int outgoing(int which, int *peer)
{
	int port, back = peer_listen(&port), fd;
	struct sockaddr_in a = peer_address(port);

	now = which ? &hooked : &bare;
	fd = now->socket(AF_INET, SOCK_STREAM, 0);
	if (now->connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	*peer = peer_accept(back);
	return fd;
}

static int incoming(int which, int *peer)
{
	int port, listener = which ? server_listen(&port) : peer_listen(&port);

	now = which ? &hooked : &bare;
	*peer = peer_connect(port);
	return now->accept(listener, NULL, NULL);
}

static void connect_all(void)
{
	static const char post[] =
		"POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 900000000000\r\n\r\n";
	int unused;

	for (int which = 0; which < 2; which++) {
		served[which] = incoming(which, &unused);
		serving[which] = incoming(which, &peers[which]);
		calling[which] = outgoing(which, &backends[which]);
		asked[which] = outgoing(which, &answering[which]);
		now = which ? &hooked : &bare;
		now->write(asked[which], post, sizeof(post) - 1);
		syscall(SYS_recvfrom, answering[which], buf, sizeof(buf), 0, NULL, NULL);
	}
}

static void find_bare(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);

#define FIND(name) (*(void **)&bare.name = dlsym(libc, #name))
	if (!libc || !FIND(read) || !FIND(write) || !FIND(readv) || !FIND(writev) || !FIND(recv) ||
	    !FIND(send) || !FIND(sendmsg) || !FIND(poll) || !FIND(epoll_wait) || !FIND(socket) ||
	    !FIND(connect) || !FIND(accept))
		die("libc");
	*(void **)&past = dlsym(libc, "syscall");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = atoi(argv[1]);
	rounds = rounds < 3 ? 3 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
	find_bare();
	null_fd = open("/dev/null", O_RDWR);
	set = epoll_create1(0);
	measure("idle", "read", do_read, 500);
	measure("idle", "write", do_write, 500);
	measure("idle", "readv", do_readv, 500);
	measure("idle", "writev", do_writev, 500);
	measure("idle", "recv", do_recv, 500);
	measure("idle", "send", do_send, 500);
	measure("idle", "sendmsg", do_sendmsg, 500);
	measure("idle", "poll", do_poll, 500);
	measure("idle", "epoll_wait", do_epoll_wait, 500);
	connect_all();
	measure("watched", "recv-EAGAIN", would_block, 500);
	measure("watched", "write-body", body_byte, 100);
	measure("request", "served", request_served, 50);
	measure("request", "made", request_made, 50);
	return 0;
}
