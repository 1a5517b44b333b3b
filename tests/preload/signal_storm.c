/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard B5: a signal every 100 microseconds whose handler writes, reads the clock and sends itself
 * another signal, while requests are served and made. No byte may be lost, nothing may hang.
 *
 * expect-more-spans
 * expect-counter: audit.contradict == 0
 */
#include "server.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

static int pipe_fd[2];
static volatile long sent, nested;

static void on_alarm(int number)
{
	struct timespec now;
	int saved = errno;

	(void)number;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (write(pipe_fd[1], "x", 1) == 1)
		sent++;
	kill(getpid(), SIGUSR1);
	errno = saved;
}

static void on_user(int number)
{
	(void)number;
	nested++;
}

static long drain(void)
{
	char buf[4096];
	long total = 0;
	ssize_t n;

	while ((n = read(pipe_fd[0], buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		total += n > 0 ? n : 0;
	return total;
}

int main(void)
{
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port);
	int in = peer_connect(port), fd = accept(listener, NULL, NULL),
	    out = client_connect(back_port);
	int peer = peer_accept(back), good = 0;
	struct itimerval storm = {{0, 100}, {0, 100}}, calm = {{0, 0}, {0, 0}};
	struct sigaction act = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	long received = 0, rounds = getenv("FULL") ? 200000 : 8000;
	char buf[1024];

	if (pipe2(pipe_fd, O_NONBLOCK))
		die("pipe2");
	sigaction(SIGALRM, &act, NULL);
	act.sa_handler = on_user;
	sigaction(SIGUSR1, &act, NULL);
	setitimer(ITIMER_REAL, &storm, NULL);
	for (long i = 0; i < rounds; i++) {
		peer_text(in, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
		read_until(fd, buf, sizeof(buf), "\r\n\r\n");
		write_text(out, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
		good += peer_request(peer, buf, sizeof(buf)) ==
			strlen("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
		peer_text(peer, PEER_OK);
		read_until(out, buf, sizeof(buf), "ok");
		write_text(fd, PEER_OK);
		good += peer_response(in, buf, sizeof(buf)) == 200;
		received += drain();
	}
	setitimer(ITIMER_REAL, &calm, NULL);
	received += drain();
	printf("%s, %s, %s\n", good == 2 * rounds ? "all good" : "requests lost",
	       received == sent ? "no byte lost" : "bytes lost",
	       nested ? "nested" : "no signal came");
	return 0;
}
