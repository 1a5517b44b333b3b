/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards A4 and C1: threads with the smallest stacks start, and make HTTP requests from them, with
 * a guard page below the stack.
 *
 * expect-span: CLIENT GET /small x4 parent=none status=200
 * expect-wire: ^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03$ x4
 */
#include "server.h"

#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>

static int back_port;

static void *request(void *unused)
{
	char buf[256];
	int fd = client_connect(back_port);

	(void)unused;
	write_text(fd, "GET /small HTTP/1.1\r\nHost: h\r\n\r\n");
	if (!read_until(fd, buf, sizeof(buf), "ok"))
		return NULL;
	close(fd);
	return (void *)1;
}

int main(void)
{
	size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN), guard = 4096;
	size_t sizes[] = {16384, least, 20480, 32768};
	int back = peer_listen(&back_port);

	for (int i = 0; i < 4; i++) {
		size_t size = sizes[i] < least ? least : sizes[i];
		char *map = mmap(NULL, guard + size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char buf[1024];
		pthread_attr_t attr;
		pthread_t t;
		void *result;
		int peer, error;

		mprotect(map, guard, PROT_NONE);
		pthread_attr_init(&attr);
		if (pthread_attr_setstack(&attr, map + guard, size))
			die("pthread_attr_setstack");
		error = pthread_create(&t, &attr, request, NULL);
		if (error) {
			printf("%d: pthread_create: %d\n", i, error);
			continue;
		}
		peer = peer_accept(back);
		peer_request(peer, buf, sizeof(buf));
		peer_text(peer, PEER_OK);
		pthread_join(t, &result);
		peer_close(peer);
		printf("%d: %s", i, result ? buf : "no answer\n");
	}
	return 0;
}
