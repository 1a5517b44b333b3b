/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of worker threads behind a condition variable, as application servers have them: the
 * acceptor hands connections over, a worker reads the request, looks whether the kept backend
 * connection is still open (a read that would block, a poll that does not wait), calls, answers.
 * Every call belongs to the request its worker has read, whichever worker used the backend
 * connection before.
 *
 * expect-span: SERVER GET /in x24 parent=remote status=200
 * expect-span: CLIENT GET /out x24 parent=SERVER:/in status=200
 * expect-counter: audit.contradict == 0
 */
#include "server.h"

#include <poll.h>
#include <pthread.h>

#define WORKERS  3
#define REQUESTS 24

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int queue[REQUESTS + WORKERS], queued, taken, turn;
static int backend, backend_peer;

static void call_out(void)
{
	struct pollfd p = {.fd = backend, .events = POLLIN};
	char buf[1024];
	ssize_t n;

	if (read(backend, buf, sizeof(buf)) >= 0 || errno != EAGAIN || poll(&p, 1, 0))
		die("the kept connection");
	write_text(backend, "GET /out HTTP/1.1\r\nHost: b\r\n\r\n");
	peer_request(backend_peer, buf, sizeof(buf));
	peer_text(backend_peer, PEER_OK);
	do
		n = read(backend, buf, sizeof(buf));
	while (n < 0 && errno == EAGAIN && poll(&p, 1, 10000) == 1);
}

static void *worker(void *number)
{
	char buf[1024];

	for (;;) {
		int fd;

		pthread_mutex_lock(&mutex);
		/* Strict turns: every worker meets the backend connection after another one used
		 * it. */
		while (taken == queued || (queue[taken] >= 0 && turn != *(int *)number))
			pthread_cond_wait(&cond, &mutex);
		fd = queue[taken++];
		turn = (turn + 1) % WORKERS;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
		if (fd < 0)
			return NULL;
		read_until(fd, buf, sizeof(buf), "\r\n\r\n");
		call_out();
		write_text(fd, PEER_OK);
		close(fd);
	}
}

static void hand_over(int fd)
{
	pthread_mutex_lock(&mutex);
	queue[queued++] = fd;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
}

int main(void)
{
	int port, back_port, listener = server_listen(&port), back = peer_listen(&back_port),
			     good = 0;
	int numbers[WORKERS] = {0, 1, 2};
	pthread_t t[WORKERS];
	char buf[1024];

	backend = client_connect(back_port);
	backend_peer = peer_accept(back);
	fcntl(backend, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&t[i], NULL, worker, &numbers[i]);
	for (int i = 0; i < REQUESTS; i++) {
		int in = peer_connect(port);

		snprintf(buf, sizeof(buf),
			 "GET /in HTTP/1.1\r\nHost: h\r\ntraceparent: "
			 "00-0af7651916cd43dd8448eb211c8031%02x-b7ad6b7169203331-01\r\n\r\n",
			 i + 1);
		peer_text(in, buf);
		hand_over(accept(listener, NULL, NULL));
		good += peer_response(in, buf, sizeof(buf)) == 200;
		peer_close(in);
	}
	for (int i = 0; i < WORKERS; i++)
		hand_over(-1);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(t[i], NULL);
	printf("%d good\n", good);
	return 0;
}
