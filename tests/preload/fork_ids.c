/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard D8: ids are unique over every way to fork: fork(), _Fork(), syscall(SYS_fork), clone().
 * The runner refuses a span id given twice, and one on the wire that was not recorded.
 *
 * expect-span: CLIENT GET /parent x16 parent=none status=200
 * expect-span: CLIENT GET /child x64 parent=none status=200
 * expect-wire: ^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03$ x80
 */
#include "server.h"

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static void exchange(const char *request)
{
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back);
	char buf[1024];

	write_text(out, request);
	peer_request(peer, buf, sizeof(buf));
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
	close(out);
	peer_close(peer);
	peer_close(back);
}

static pid_t by_fork(void)
{
	return fork();
}
static pid_t by_raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t by_bare_fork(void)
{
	pid_t (*bare)(void) = (pid_t(*)(void))dlsym(RTLD_DEFAULT, "_Fork");

	return bare ? bare() : fork();
}

static pid_t by_vm_copy(void)
{
#ifdef SYS_fork
	return (pid_t)syscall(SYS_fork);
#else
	return by_raw_fork();
#endif
}

int main(void)
{
	pid_t (*const ways[])(void) = {by_fork, by_bare_fork, by_raw_fork, by_vm_copy};
	int good = 0;

	for (int i = 0; i < 4; i++) {
		for (int k = 0; k < 4; k++) {
			int status = -1;
			pid_t pid;

			exchange("GET /parent HTTP/1.1\r\nHost: h\r\n\r\n");
			pid = ways[i]();
			if (!pid) {
				for (int n = 0; n < 4; n++)
					exchange("GET /child HTTP/1.1\r\nHost: h\r\n\r\n");
				_exit(0);
			}
			waitpid(pid, &status, 0);
			good += status == 0;
		}
	}
	printf("%d of 16 children\n", good);
	return 0;
}
