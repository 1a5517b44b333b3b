/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard D1: vfork and exec, a thousand times, also with an exec that fails; the parent's stack,
 * its descriptors and its connection are as they were.
 *
 * expect-span: CLIENT GET /before parent=none
 * expect-span: CLIENT GET /after parent=none
 */
#include "server.h"

#include <sys/wait.h>

static long spawn(const char *path, int close_fd)
{
	volatile long canary = 0x5ca1ab1e;
	char *argv[] = {(char *)"true", NULL};
	int status = -1;
	pid_t pid = vfork();

	if (pid < 0)
		die("vfork");
	if (!pid) {
		close(close_fd);
		execve(path, argv, environ);
		_exit(55);
	}
	if (waitpid(pid, &status, 0) != pid || canary != 0x5ca1ab1e)
		die("waitpid");
	return WEXITSTATUS(status);
}

static void exchange(int out, int peer, const char *request)
{
	char buf[1024];

	write_text(out, request);
	peer_request(peer, buf, sizeof(buf));
	printf("%s", buf);
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
}

int main(void)
{
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back);
	long zero = 0, failed = 0;

	exchange(out, peer, "GET /before HTTP/1.1\r\nHost: h\r\n\r\n");
	for (int i = 0; i < 1000; i++) {
		if (i % 10)
			zero += spawn("/bin/true", out) == 0;
		else
			failed += spawn("/nonexistent/true", out) == 55;
	}
	printf("%ld ran, %ld could not\n", zero, failed);
	exchange(out, peer, "GET /after HTTP/1.1\r\nHost: h\r\n\r\n");
	return 0;
}
