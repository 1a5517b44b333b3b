/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard C2: threads made by a bare clone() share the creator's thread-local storage. They may go
 * unrecorded, but nothing crashes and no byte is lost.
 *
 * expect-more-spans
 */
#include "server.h"

#include <sched.h>
#include <sys/mman.h>

#define STACK  65536
#define ROUNDS 2000

static int pipe_fd[2];

static int worker(void *argument)
{
	char c = *(char *)argument;

	for (int i = 0; i < ROUNDS; i++)
		if (write(pipe_fd[1], &c, 1) != 1)
			break;
	return 0;
}

int main(void)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back),
		  good = 0;
	static int tids[3] = {1, 1, 1};
	long counts[3] = {0};
	char buf[4096];

	if (pipe(pipe_fd))
		die("pipe");
	for (int i = 0; i < 3; i++) {
		char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);

		if (clone(worker, stack + STACK, flags, (void *)&"abc"[i], NULL, NULL, &tids[i]) <
		    0)
			die("clone");
	}
	for (int i = 0; i < 200; i++) {
		write_text(out, "GET /clone HTTP/1.1\r\nHost: h\r\n\r\n");
		good += peer_request(peer, buf, sizeof(buf)) > 0;
		peer_text(peer, PEER_OK);
		good += read_until(out, buf, sizeof(buf), "ok") > 0;
	}
	while (counts[0] + counts[1] + counts[2] < 3 * ROUNDS) {
		ssize_t n = read(pipe_fd[0], buf, sizeof(buf));

		for (ssize_t k = 0; k < n; k++)
			counts[(int)buf[k] - 'a']++;
	}
	for (int i = 0; i < 3; i++)
		while (*(volatile int *)&tids[i])
			usleep(1000);
	printf("%d %ld %ld %ld\n", good, counts[0], counts[1], counts[2]);
	return 0;
}
