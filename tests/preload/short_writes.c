/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard I1 on a real connection: a non-blocking client with a tiny send buffer and a slow reader
 * that takes a few bytes at a time. Writes are cut everywhere, also inside a header of ours. What
 * arrives, with our lines taken out, is byte for byte what was written, and every request has
 * exactly one traceparent.
 * timeout: 120
 *
 * expect-span: CLIENT POST /short x300 parent=none status=200
 * expect-counter: inject.owed >= 1
 * expect-counter: exchanges.injected == 300
 */
#include "server.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>

#define REQUESTS 300
#define BUFFER   (1 << 20)

static int peer;
static uint64_t got_sum = 1469598103934665603u, got_len;
static int contexts, bad;

static uint64_t mix(uint64_t sum, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)data[i]) * 1099511628211u;
	return sum;
}

static unsigned int rnd(unsigned int *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text++;
	}
	return n;
}

/** Reads slowly, in odd sizes; answers each request; sums what is left without our lines. */
static void *reader(void *unused)
{
	static char buf[BUFFER];
	unsigned int state = 5;

	for (int i = 0; i < REQUESTS; i++) {
		size_t len = 0, want = 0;

		while (!want || len < want) {
			size_t most = 1 + rnd(&state) % (rnd(&state) % 8 ? 97 : 2000);
			ssize_t n = peer_recv(peer, buf + len,
					      want ? (want - len < most ? want - len : most) : 1);

			if (n <= 0)
				return NULL;
			len += (size_t)n;
			buf[len] = '\0';
			if (!want && len >= 4 && !memcmp(buf + len - 4, "\r\n\r\n", 4)) {
				int found = count(buf, "\r\ntraceparent: 00-");

				contexts += found;
				bad += count(buf, "\r\nContent-Length: ") != 1 || found > 1;
				want = len +
				       strtoul(strstr(buf, "Content-Length: ") + 16, NULL, 10);
			}
			if (rnd(&state) % 64 == 0)
				usleep(50);
		}
		len = peer_strip(buf, len);
		got_sum = mix(got_sum, buf, len);
		got_len += len;
		peer_text(peer, PEER_OK);
	}
	return unused;
}

static size_t compose(char *buf, unsigned int *state)
{
	size_t len = (size_t)sprintf(buf, "POST /short HTTP/1.1\r\nHost: h\r\n"),
	       body = rnd(state) % 6000;

	for (unsigned int i = rnd(state) % 12; i; i--) {
		len += (size_t)sprintf(buf + len, "X-Pad-%u: ", i);
		for (unsigned int k = rnd(state) % 400; k; k--)
			buf[len++] = (char)('a' + k % 26);
		len += (size_t)sprintf(buf + len, "\r\n");
	}
	len += (size_t)sprintf(buf + len, "Content-Length: %zu\r\n\r\n", body);
	for (size_t i = 0; i < body; i++)
		buf[len++] = (char)rnd(state);
	return len;
}

static void send_slowly(int fd, const char *buf, size_t len, unsigned int *state)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	size_t done = 0;

	while (done < len) {
		size_t most = rnd(state) % 3 ? len - done : 1 + rnd(state) % (len - done);
		ssize_t n = rnd(state) % 2 ? write(fd, buf + done, most)
					   : send(fd, buf + done, most, MSG_NOSIGNAL);

		if (n == 0 || n > (ssize_t)most)
			bad++;
		if (n > 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			poll(&p, 1, 1);
		else
			die("send");
	}
}

int main(void)
{
	static char buf[65536];
	int port, back, fd, small = 1, good = 0;
	uint64_t sum = 1469598103934665603u, total = 0;
	struct sockaddr_in a;
	unsigned int state = 3;
	char answer[256];
	pthread_t t;

	back = peer_listen(&port);
	setsockopt(back, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	a = peer_address(port);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) || fcntl(fd, F_SETFL, O_NONBLOCK))
		die("connect");
	peer = peer_accept(back);
	pthread_create(&t, NULL, reader, NULL);
	for (int i = 0; i < REQUESTS; i++) {
		size_t len = compose(buf, &state), have = 0;
		struct pollfd p = {.fd = fd, .events = POLLIN};

		send_slowly(fd, buf, len, &state);
		sum = mix(sum, buf, len);
		total += len;
		while (have < strlen(PEER_OK) && poll(&p, 1, 20000) == 1) {
			ssize_t n = read(fd, answer + have, sizeof(answer) - have);

			if (n == 0 || (n < 0 && errno != EAGAIN))
				break;
			have += n > 0 ? (size_t)n : 0;
		}
		good += have == strlen(PEER_OK);
	}
	pthread_join(t, NULL);
	printf("%d answers, %s, %d bad\n", good,
	       sum == got_sum && total == got_len ? "identical" : "corrupted", bad);
	return contexts == 0 || contexts == REQUESTS ? 0 : 1;
}
