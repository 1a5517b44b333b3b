/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard B2: siglongjmp out of a blocking read, ten times; the ten requests read afterwards must
 * all be recorded, so no guard stayed behind.
 *
 * expect-span: SERVER GET /after x10 parent=none status=200
 */
#include "server.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

static sigjmp_buf out;

static void on_alarm(int number)
{
	(void)number;
	siglongjmp(out, 1);
}

int main(void)
{
	int port, listener = server_listen(&port), in = peer_connect(port),
		  fd = accept(listener, NULL, NULL);
	struct itimerval soon = {.it_value.tv_usec = 2000};
	char buf[1024];
	volatile int jumps = 0;

	signal(SIGALRM, on_alarm);
	while (jumps < 10) {
		if (sigsetjmp(out, 1)) {
			jumps++;
			continue;
		}
		setitimer(ITIMER_REAL, &soon, NULL);
		if (read(fd, buf, sizeof(buf)) >= 0 || errno != EINTR)
			die("read must block");
	}
	printf("jumps %d\n", jumps);
	for (int i = 0; i < 10; i++) {
		peer_text(in, "GET /after HTTP/1.1\r\nHost: h\r\n\r\n");
		read_until(fd, buf, sizeof(buf), "\r\n\r\n");
		write_text(fd, PEER_OK);
		printf("%d\n", peer_response(in, buf, sizeof(buf)));
	}
	return 0;
}
