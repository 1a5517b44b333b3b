/* SPDX-License-Identifier: Apache-2.0 */
/* A library whose constructor calls what the agent hooks. See early.sh. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

void early_touch(void);

__attribute__((constructor)) static void early(void)
{
	struct pollfd p = {.fd = 1, .events = POLLOUT};
	int pair[2];
	char c = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || send(pair[0], "l", 1, 0) != 1 ||
	    recv(pair[1], &c, 1, 0) != 1)
		c = '?';
	poll(&p, 1, 0);
	if (write(1, "library: ", 9) != 9 || write(1, &c, 1) != 1 || write(1, "\n", 1) != 1)
		_exit(3);
	close(pair[0]);
	close(pair[1]);
}

void early_touch(void)
{
}
