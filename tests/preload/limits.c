/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards F3, F4, F6: under each limit a small server answers as ever, traced or not: no file may
 * grow (RLIMIT_FSIZE), no memory (RLIMIT_AS, mlockall), no descriptor (RLIMIT_NOFILE), and no
 * signal comes of it. Each case is a fork that sets its limit before the first request.
 *
 * expect-more-spans
 */
#include "server.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void limit(int what, rlim_t value)
{
	struct rlimit r = {value, value};

	if (setrlimit((__rlimit_resource_t)what, &r))
		die("setrlimit");
}

static int serve(void)
{
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port);
	int in = peer_connect(port), fd = accept(listener, NULL, NULL),
	    out = client_connect(back_port);
	int peer = peer_accept(back);
	char buf[1024];

	for (int i = 0; i < 2000; i++) {
		peer_text(in, "GET /limited HTTP/1.1\r\nHost: h\r\n\r\n");
		if (!read_until(fd, buf, sizeof(buf), "\r\n\r\n"))
			return 2;
		write_text(out, "GET /call HTTP/1.1\r\nHost: h\r\n\r\n");
		peer_request(peer, buf, sizeof(buf));
		peer_text(peer, PEER_OK);
		if (!read_until(out, buf, sizeof(buf), "ok"))
			return 3;
		write_text(fd, PEER_OK);
		if (peer_response(in, buf, sizeof(buf)) != 200)
			return 4;
	}
	return 0;
}

static int file_size(void)
{
	limit(RLIMIT_FSIZE, 512);
	return serve();
}

static int file_nothing(void)
{
	limit(RLIMIT_FSIZE, 0);
	return serve();
}

static int address_space(void)
{
	limit(RLIMIT_AS, 64 << 20);
	return serve();
}

static int address_space_full(void)
{
	limit(RLIMIT_AS, 1 << 20);
	return serve();
}

static int locked(void)
{
	limit(RLIMIT_MEMLOCK, 64 << 10);
	/* Needs no privilege for what is to come; the kernel refuses what goes past the limit. */
	if (mlockall(MCL_FUTURE))
		return 0;
	return serve();
}

static int few_descriptors(void)
{
	int result, spare[16], n = 0;

	limit(RLIMIT_NOFILE, 16);
	while (n < 16 && (spare[n] = dup(0)) >= 0)
		n++;
	for (int i = 0; i < 6 && n; i++)
		close(spare[--n]);
	result = serve();
	return result;
}

static int no_descriptors(void)
{
	limit(RLIMIT_NOFILE, 3);
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EMFILE && open("x", O_RDONLY) < 0
		       ? 0
		       : 5;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{"file size 512", file_size},
	{"file size 0", file_nothing},
	{"address space 64M", address_space},
	{"address space full", address_space_full},
	{"memory locked", locked},
	{"few descriptors", few_descriptors},
	{"no descriptors", no_descriptors},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = -1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid)
			_exit(cases[i].run());
		waitpid(pid, &status, 0);
		printf("%s: status %d, signal %d\n", cases[i].name, WEXITSTATUS(status),
		       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
	return 0;
}
