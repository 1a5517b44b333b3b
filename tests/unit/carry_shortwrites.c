/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model check of injection under short writes: random requests, cut into random calls and iovecs,
 * taken by a kernel that accepts random amounts. What arrives must be the program's stream with our
 * lines added and its traceparents replaced, byte for byte, for every one of STREAMS streams.
 */
#include "carry_harness.h"

#ifdef __SANITIZE_THREAD__
#define STREAMS 20000 /* one thread: nothing for it to find, at thirty times the price */
#else
#define STREAMS 300000
#endif
#define TRACE      "4bf92f3577b34da6a3ce929d0e0e4736"
#define STREAM_MAX 8192

static uint64_t seed;

static uint32_t pick(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % below;
}

struct stream {
	char program[STREAM_MAX];
	size_t len;
};

static void add(struct stream *s, const char *text)
{
	size_t len = strlen(text);

	assert_true(s->len + len < sizeof(s->program));
	memcpy(s->program + s->len, text, len + 1);
	s->len += len;
}

static void add_request(struct stream *s)
{
	static const char *const bodies[] = {"", "x", "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
					     "\r\n\r\n", "traceparent: 00-x\r\n"};
	const char *body = bodies[pick(5)];
	char line[96];

	snprintf(line, sizeof(line), "%s /%u HTTP/1.1\r\n", *body ? "POST" : "GET", pick(100));
	add(s, line);
	if (pick(2))
		add(s, "Host: backend:8080\r\n");
	if (pick(3) == 0) {
		snprintf(line, sizeof(line),
			 "traceparent:%s00-" TRACE "-00f067aa0ba902b7-0%u%s\r\n",
			 pick(2) ? " " : "", pick(2), pick(4) ? "" : " ");
		add(s, line);
	}
	if (pick(2))
		add(s, "Accept: */*\r\n");
	if (*body && pick(2)) {
		snprintf(line, sizeof(line), "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
			 strlen(body));
		add(s, line);
		add(s, body);
		add(s, "\r\n0\r\n\r\n");
		return;
	}
	snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", strlen(body));
	add(s, line);
	add(s, body);
}

static size_t random_limit(void *arg)
{
	(void)arg;
	switch (pick(8)) {
	case 0:
		return 0;
	case 1:
		return 1 + pick(3);
	case 2:
		return 1 + pick(80);
	default:
		return 1 + pick(600);
	}
}

/* Sends the whole stream in random calls, as a program does that goes on where it was told. */
static void send_stream(int fd, const struct stream *s, struct wire *w)
{
	size_t done = 0;

	while (done < s->len) {
		size_t len = 1 + pick(pick(3) ? 400 : 8), off = done;
		struct iovec iov[4];
		int iovcnt = 0;
		ssize_t n;

		if (len > s->len - done)
			len = s->len - done;
		for (size_t left = len; left; iovcnt++) {
			size_t here = iovcnt == 3 ? left : pick((uint32_t)left + 1);

			iov[iovcnt] = (struct iovec){(void *)(uintptr_t)(s->program + off), here};
			off += here;
			left -= here;
		}
		n = send_call(fd, iov, iovcnt, w, random_limit, NULL);
		assert_true(n == -EAGAIN || (n > 0 && (size_t)n <= len));
		if (n > 0)
			done += (size_t)n;
	}
}

static size_t line_length(const char *at)
{
	const char *end = strstr(at, "\r\n");

	return end ? (size_t)(end - at) + 2 : strlen(at);
}

/* One of ours, where the program has none: skipped. */
static bool is_ours(const char *at)
{
	return !strncmp(at, "traceparent: 00-", 16) || !strncmp(at, "X-Request-ID: ", 14);
}

/* Ours in the place of one of the program's: same name, its trace id, 55 characters. */
static bool is_replaced(const char *program, const char *wire)
{
	size_t name = strlen("traceparent:");

	if (strncmp(program, "traceparent:", name) || strncmp(wire, "traceparent:", name))
		return false;
	return strstr(wire, TRACE) && strstr(wire, TRACE) < wire + name + 8;
}

/* Walks both streams by lines; returns how many traceparents of ours were added. */
static int compare(const struct stream *s, const struct wire *w)
{
	const char *p = s->program, *a = w->bytes;
	int added = 0, here = 0; /* here: traceparents since the last request line */

	while (*p || *a) {
		size_t pl = line_length(p), al = line_length(a);

		if (!strncmp(a, "traceparent: 00-", 16) && memcmp(a, "traceparent: 00-x", 17) &&
		    here++)
			fail_msg("two traceparents in one head: %.160s", a);
		if (pl == al && !memcmp(p, a, pl)) {
			here = strstr(p, " HTTP/1.1\r\n") == p + pl - 11 ? 0 : here;
			p += pl;
			a += al;
		} else if (*p && is_replaced(p, a)) {
			p += pl;
			a += al;
		} else if (is_ours(a)) {
			added += *a == 't';
			a += al;
		} else {
			fail_msg("streams differ:\nprogram: %.120s\nwire: %.120s", p, a);
		}
	}
	return added;
}

static void test_random_streams(void **state)
{
	uint64_t streams = getenv("STREAMS") ? strtoull(getenv("STREAMS"), NULL, 10) : STREAMS;
	struct wire w = {0};
	long added = 0;

	(void)state;
	for (uint64_t i = 0; i < streams; i++) {
		struct stream s = {.len = 0};

		seed = i * 2654435761u + 1;
		w.len = 0;
		open_client(5);
		for (uint32_t n = 1 + pick(3); n; n--)
			add_request(&s);
		send_stream(5, &s, &w);
		added += compare(&s, &w);
		carry_closing(5);
	}
	print_message("%llu streams, %ld headers added, %llu owed\n", (unsigned long long)streams,
		      added, (unsigned long long)ring_counted(COUNTER_OWED));
	assert_true(added > (long)streams);
	assert_true(ring_counted(COUNTER_OWED) > streams / 100);
	assert_int_equal(ring_counted(COUNTER_LOST), 0);
	assert_int_equal(ring_counted(COUNTER_OPAQUE), 0);
	free(w.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_streams)};

	start_agent(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
