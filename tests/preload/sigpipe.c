/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard I9: a request written to a peer that is gone kills by SIGPIPE as before, unless that is
 * ignored (then EPIPE) or the call says MSG_NOSIGNAL. A plain pipe behaves the same.
 *
 * expect-more-spans
 */
#include "server.h"

#include <signal.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define REQUEST "GET /gone HTTP/1.1\r\nHost: h\r\n\r\n"

static int gone(void)
{
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back);
	struct linger hard = {1, 0};
	char c;

	syscall(SYS_setsockopt, peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	peer_close(peer);
	peer_close(back);
	recv(out, &c, 1, 0); /* takes the reset; the next write meets a broken pipe */
	return out;
}

static ssize_t transmit(int how, int fd)
{
	struct iovec iov = {(char *)REQUEST, strlen(REQUEST)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	switch (how) {
	case 0:
		return write(fd, REQUEST, strlen(REQUEST));
	case 1:
		return writev(fd, &iov, 1);
	case 2:
		return send(fd, REQUEST, strlen(REQUEST), 0);
	case 3:
		return sendmsg(fd, &msg, 0);
	case 4:
		return send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL);
	default:
		return sendmsg(fd, &msg, MSG_NOSIGNAL);
	}
}

static void child(int how, bool ignored, bool piped)
{
	int ends[2], fd;
	ssize_t n;

	signal(SIGPIPE, ignored ? SIG_IGN : SIG_DFL);
	if (piped) {
		if (pipe(ends))
			die("pipe");
		close(ends[0]);
		fd = ends[1];
	} else {
		fd = gone();
	}
	n = transmit(how, fd);
	_exit(n == -1 && errno == EPIPE ? 42 : 43);
}

int main(void)
{
	for (int how = 0; how < 6; how++) {
		for (int kind = 0; kind < 4; kind++) {
			int status;
			pid_t pid = fork();

			if (!pid)
				child(how, kind & 1, kind & 2);
			waitpid(pid, &status, 0);
			printf("%d %s%s: ", how, kind & 2 ? "pipe" : "socket",
			       kind & 1 ? ", ignored" : "");
			if (WIFSIGNALED(status))
				printf("killed by %d\n", WTERMSIG(status));
			else
				printf("%s\n",
				       WEXITSTATUS(status) == 42 ? "EPIPE" : "something else");
		}
	}
	return 0;
}
