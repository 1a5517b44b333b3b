/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard F1: a filter that kills on everything but read, write and a few like them, installed with
 * prctl and with the seccomp system call. Requests served and made behind it go on, and the agent
 * makes no system call of its own.
 *
 * expect-more-spans
 * expect-counter: sealed >= 1
 * expect-span: SERVER GET /before x2 status=200
 */
#include "server.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ALLOW(name)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	ALLOW(read),
	ALLOW(write),
	ALLOW(readv),
	ALLOW(writev),
	ALLOW(sendto),
	ALLOW(recvfrom),
	ALLOW(sendmsg),
	ALLOW(recvmsg),
	ALLOW(close),
	ALLOW(exit),
	ALLOW(exit_group),
	ALLOW(rt_sigreturn),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

static void exchange(int in, int fd, int out, int peer, const char *request)
{
	char buf[4096];

	peer_text(in, request);
	if (!read_until(fd, buf, sizeof(buf), "\r\n\r\n"))
		_exit(2);
	write_text(out, request);
	if (!peer_recv(peer, buf, sizeof(buf)))
		_exit(3);
	peer_text(peer, PEER_OK);
	if (!read_until(out, buf, sizeof(buf), "ok"))
		_exit(4);
	write_text(fd, PEER_OK);
	if (peer_response(in, buf, sizeof(buf)) != 200)
		_exit(5);
}

static void child(int how)
{
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port);
	int in = peer_connect(port), fd = accept(listener, NULL, NULL),
	    out = client_connect(back_port);
	int peer = peer_accept(back);

	exchange(in, fd, out, peer, "GET /before HTTP/1.1\r\nHost: h\r\n\r\n");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs");
	if (how ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)
		: prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("seccomp");
	for (int i = 0; i < 200; i++)
		exchange(in, fd, out, peer, "GET /sealed HTTP/1.1\r\nHost: h\r\n\r\n");
	close(fd);
	write_text(1, "still here\n");
	_exit(0);
}

int main(void)
{
	for (int how = 0; how < 2; how++) {
		int status = -1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid)
			child(how);
		waitpid(pid, &status, 0);
		printf("%s: status %d, signal %d\n", how ? "seccomp" : "prctl", WEXITSTATUS(status),
		       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
	return 0;
}
