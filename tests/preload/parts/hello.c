/* SPDX-License-Identifier: Apache-2.0 */
/* A little of what the agent hooks. See musl.sh. */
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];

static void *thread(void *argument)
{
	return write(pair[0], "hello\n", 6) == 6 ? argument : NULL;
}

int main(void)
{
	char buf[6];
	pthread_t t;
	void *result;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pthread_create(&t, NULL, thread, pair) ||
	    pthread_join(t, &result) || read(pair[1], buf, 6) != 6)
		return 1;
	printf("%.6s", buf);
	return result != pair;
}
