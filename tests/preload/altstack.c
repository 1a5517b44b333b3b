/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard C1: a handler that calls write on an alternate stack of 3376, 4096 and 8192 bytes, with a
 * guard page below it, on a plain descriptor and on a connection.
 *
 * expect-more-spans
 */
#include "server.h"

#include <signal.h>
#include <sys/mman.h>

static int null_fd, connection;
static volatile int handled;

static void on_signal(int number)
{
	(void)number;
	if (write(null_fd, "x", 1) == 1 && write(connection, "x", 1) == 1)
		handled++;
}

int main(void)
{
	size_t sizes[] = {3376, 4096, 8192}, least = (size_t)sysconf(_SC_MINSIGSTKSZ);
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	int port, listener = peer_listen(&port);

	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	connection = client_connect(port);
	if (listener < 0 || null_fd < 0)
		die("open");
	/* Bound now: the dynamic linker's own frames would not fit. */
	on_signal(0);
	handled = 0;
	sigaction(SIGUSR1, &act, NULL);
	for (int i = 0; i < 3; i++) {
		size_t size = sizes[i] < least ? least : sizes[i];
		char *map = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);
		stack_t stack = {.ss_sp = map + 4096, .ss_size = size};

		mprotect(map, 4096, PROT_NONE);
		if (sigaltstack(&stack, NULL))
			die("sigaltstack");
		raise(SIGUSR1);
	}
	printf("handled %d\n", handled);
	return 0;
}
