/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard D7: fork while other threads are inside the hooks at every moment; each child must be able
 * to serve, call, make a thread and fork again. A child that hangs is killed by its alarm and
 * counted.
 * timeout: 120
 *
 * expect-more-spans
 */
#include "server.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static volatile int stop;

static void exchange(int out, int peer)
{
	char buf[1024];

	write_text(out, "GET /hammer HTTP/1.1\r\nHost: h\r\n\r\n");
	if (!peer_request(peer, buf, sizeof(buf)))
		die("peer_request");
	peer_text(peer, PEER_OK);
	if (!read_until(out, buf, sizeof(buf), "ok"))
		die("answer");
}

static void *hammer(void *unused)
{
	int port, back = peer_listen(&port);

	(void)unused;
	while (!stop) {
		int out = client_connect(port), peer = peer_accept(back);
		struct pollfd p = {.fd = out, .events = POLLOUT};

		for (int i = 0; i < 5; i++)
			exchange(out, peer);
		poll(&p, 1, 0);
		close(out);
		peer_close(peer);
	}
	return NULL;
}

static void *nothing(void *argument)
{
	return argument;
}

static int child(void)
{
	int port, back, out, peer;
	pthread_t t;
	pid_t pid;
	int status;

	alarm(10);
	back = peer_listen(&port);
	out = client_connect(port);
	peer = peer_accept(back);
	exchange(out, peer);
	if (pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL))
		return 2;
	pid = fork();
	if (!pid) {
		alarm(10);
		exchange(out, peer);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 3;
}

int main(void)
{
	int forks = getenv("FULL") ? 10000 : 400, good = 0, hung = 0, other = 0, status;
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, hammer, NULL);
	for (int i = 0; i < forks; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			_exit(child());
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			good++;
		else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
			hung++;
		else
			other++;
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("%s, %d hung, %d otherwise\n", good == forks ? "all good" : "not all good", hung,
	       other);
	return 0;
}
