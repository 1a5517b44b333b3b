/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits of one outgoing head, wherever the program cuts it: a traceparent is replaced when all of
 * its value is in the call and left alone when not, never doubled; and the heads that nothing is
 * added to.
 */
#include "carry_child.h"

#include "base/compiler.h"

#define T      "4bf92f3577b34da6a3ce929d0e0e4736"
#define S      "00f067aa0ba902b7"
#define VALUE  "00-" T "-" S "-01"
#define PARENT "traceparent: " VALUE "\r\n"
#define CALL   "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { SERVER = 10, CLIENT, SECOND };

static struct wire wire;

static int setup(void **state)
{
	(void)state;
	carry_waiting(false);
	for (int fd = SERVER; fd <= SECOND; fd++)
		carry_closing(fd);
	open_server(SERVER);
	open_client(CLIENT);
	open_client(SECOND);
	wire.len = 0;
	return 0;
}

static void send_pieces(int fd, const char *bytes, size_t len, size_t cut, bool one_call)
{
	struct iovec iov[2] = {{(void *)(uintptr_t)bytes, cut},
			       {(void *)(uintptr_t)(bytes + cut), len - cut}};

	if (one_call) {
		assert_int_equal(send_call(fd, iov, 2, &wire, no_limit, NULL), len);
		return;
	}
	assert_int_equal(send_call(fd, &iov[0], 1, &wire, no_limit, NULL), cut);
	assert_int_equal(send_call(fd, &iov[1], 1, &wire, no_limit, NULL), len - cut);
}

/* One traceparent of the program's trace; its span is the program's or ours. True: ours. */
static bool replaced(void)
{
	const char *at = head_line(&wire, "traceparent", 0);

	assert_int_equal(head_count(&wire, "traceparent"), 1);
	assert_non_null(at);
	assert_memory_equal(at, "00-" T "-", 36);
	return memcmp(at + 36, S, 16) != 0;
}

#define SPLIT "POST /b HTTP/1.1\r\nHost: b\r\n" PARENT "Content-Length: 4\r\n\r\nbody"

/* Behind the value the two streams say the same; nothing of the program's is lost. */
static void assert_split_rest(void)
{
	assert_memory_equal(wire.bytes, SPLIT,
			    strlen("POST /b HTTP/1.1\r\nHost: b\r\ntraceparent: 00-" T "-"));
	assert_non_null(strstr(wire.bytes, "-01\r\nContent-Length: 4\r\n"));
	assert_string_equal(wire.bytes + wire.len - 8, "\r\n\r\nbody");
}

static void test_split_over_iovecs(void **state)
{
	size_t len = strlen(SPLIT);

	for (size_t cut = 0; cut <= len; cut++) {
		setup(state);
		send_pieces(CLIENT, SPLIT, len, cut, true);
		assert_true(replaced());
		assert_split_rest();
		assert_non_null(head_line(&wire, "x-request-id", 0));
	}
}

static void test_split_over_calls(void **state)
{
	size_t len = strlen(SPLIT), value = (size_t)(strstr(SPLIT, VALUE) - SPLIT),
	       behind = value + strlen(VALUE) + 2;

	for (size_t cut = 1; cut < len; cut++) {
		uint64_t skipped = ring_counted(COUNTER_INJECT_SKIPPED_SPLIT);
		bool whole = cut <= value || cut >= behind;

		setup(state);
		send_pieces(CLIENT, SPLIT, len, cut, false);
		if (replaced() != whole)
			fail_msg("cut at %zu of %zu: %s", cut, len, wire.bytes);
		assert_split_rest();
		assert_int_equal(ring_counted(COUNTER_INJECT_SKIPPED_SPLIT), skipped + !whole);
	}
}

/* Every byte a call of its own: the blank line still has ours in front of it. */
static void test_bytewise(void **state)
{
	(void)state;
	for (const char *at = CALL; *at; at++) {
		struct iovec iov = {(void *)(uintptr_t)at, 1};

		assert_int_equal(send_call(CLIENT, &iov, 1, &wire, no_limit, NULL), 1);
	}
	assert_int_equal(head_count(&wire, "traceparent"), 1);
	assert_memory_equal(wire.bytes, CALL, strlen(CALL) - 2);
}

/* White space around the value stays the program's; the value is found all the same. */
static void test_white_space(void **state)
{
	static const char *const around[][2] = {
		{"", ""}, {" ", " "}, {"\t", "\t"}, {"   ", ""}, {"", "  \t "}, {" \t ", " "},
	};
	char call[256], expect[256];

	for (size_t i = 0; i < ARRAY_SIZE(around); i++) {
		size_t len = (size_t)snprintf(call, sizeof(call),
					      "GET / HTTP/1.1\r\nTraceParent:%s" VALUE
					      "%s\r\nHost: b\r\n\r\n",
					      around[i][0], around[i][1]);

		setup(state);
		assert_int_equal(send_text(CLIENT, call, &wire), len);
		snprintf(expect, sizeof(expect), "-01%s\r\nHost: b\r\n", around[i][1]);
		assert_non_null(strstr(wire.bytes, expect));
		snprintf(expect, sizeof(expect), "GET / HTTP/1.1\r\nTraceParent:%s00-" T "-",
			 around[i][0]);
		assert_memory_equal(wire.bytes, expect, strlen(expect));
		assert_memory_not_equal(wire.bytes + strlen(expect), S, 16);
		assert_int_equal(head_count(&wire, "traceparent"), 1);
	}
}

/* A malformed one of any length is replaced: the next reader would refuse it. */
static void test_malformed_own(void **state)
{
	static const char *const values[] = {"x", "00-" T "-" S "-0", VALUE "-more",
					     "00-" T "-0000000000000000-01"};
	char call[256];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		const char *at;

		snprintf(call, sizeof(call), "GET / HTTP/1.1\r\ntraceparent: %s\r\nHost: b\r\n\r\n",
			 values[i]);
		setup(state);
		send_text(CLIENT, call, &wire);
		at = head_line(&wire, "traceparent", 0);
		assert_non_null(at);
		assert_memory_not_equal(at + 3, T, 32);
		assert_memory_equal(at + 55, "\r\nHost: b\r\n", 11);
	}
}

/* ---- signatures (I7) ---- */

#define SIGNED                                           \
	"Authorization: AWS4-HMAC-SHA256 Credential=a, " \
	"SignedHeaders=host;traceparent;x-amz-date, Signature=0\r\n"
#define SIGNED_OTHERS                                                                   \
	"Authorization: AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;x-amz-date, " \
	"Signature=0\r\n"

static void test_signed(void **state)
{
	static const char *const heads[] = {
		"GET / HTTP/1.1\r\n" SIGNED PARENT "Host: b\r\n\r\n",
		"GET / HTTP/1.1\r\n" SIGNED "Host: b\r\n\r\n",
		"GET / HTTP/1.1\r\n" PARENT "Host: b\r\n" SIGNED "\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		setup(state);
		assert_int_equal(send_text(CLIENT, heads[i], &wire), strlen(heads[i]));
		assert_string_equal(wire.bytes, heads[i]);
		/* only this head is untouched */
		wire.len = 0;
		receive(CLIENT, ANSWER);
		send_text(CLIENT, CALL, &wire);
		assert_int_equal(head_count(&wire, "traceparent"), 1);
	}
	setup(state);
	send_text(CLIENT, "GET / HTTP/1.1\r\n" SIGNED_OTHERS "\r\n", &wire);
	assert_int_equal(head_count(&wire, "traceparent"), 1);
}

static size_t limit;

static size_t first_limit(void *arg)
{
	size_t now = limit;

	(void)arg;
	limit = SIZE_MAX;
	return now;
}

/* A short write in the middle of a signed head: the rest of it is as untouchable as its beginning.
 */
static void test_signed_short(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\n" SIGNED PARENT "Host: b\r\n\r\n";

	for (size_t first = 1; first < strlen(head); first++) {
		struct iovec iov = {(void *)(uintptr_t)head, strlen(head)};

		setup(state);
		limit = first;
		assert_int_equal(send_call(CLIENT, &iov, 1, &wire, first_limit, NULL), first);
		iov = (struct iovec){(void *)(uintptr_t)(head + first), strlen(head) - first};
		assert_int_equal(send_call(CLIENT, &iov, 1, &wire, no_limit, NULL), iov.iov_len);
		if (strcmp(wire.bytes, head))
			fail_msg("short at %zu: %s", first, wire.bytes);
	}
}

/* ---- short writes ---- */

/* Goes on until all is sent; @between is how often the kernel takes nothing before it takes the
 * rest. */
static void send_short(const char *bytes, size_t first, int between)
{
	struct iovec iov = {(void *)(uintptr_t)bytes, strlen(bytes)};
	ssize_t n;

	limit = first;
	while (iov.iov_len) {
		n = send_call(CLIENT, &iov, 1, &wire, first_limit, NULL);
		assert_true(n == -EAGAIN || (n > 0 && (size_t)n <= iov.iov_len));
		if (n > 0) {
			iov.iov_base = (char *)iov.iov_base + n;
			iov.iov_len -= (size_t)n;
		}
		if (between-- > 0)
			limit = 0;
	}
}

/* However the first call ends, the head gets all of our lines, each of them once. */
static void test_short_everywhere(void **state)
{
	static const char *const heads[] = {
		CALL,
		"GET / HTTP/1.1\r\n" PARENT "Host: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: b\r\n" PARENT "\r\n",
		"GET / HTTP/1.1\r\ntraceparent: \r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\ntraceparent:\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		for (size_t first = 0; first < strlen(heads[i]) + 120; first++) {
			setup(state);
			send_short(heads[i], first, 0);
			if (head_count(&wire, "traceparent") != 1 ||
			    head_count(&wire, "x-request-id") != 1)
				fail_msg("short at %zu: %s", first, wire.bytes);
			assert_int_equal(
				strspn(head_line(&wire, "traceparent", 0), "0123456789abcdef-"),
				55);
			assert_string_equal(wire.bytes + wire.len - 4, "\r\n\r\n");
		}
	}
}

/* A full socket buffer, asked again and again, costs no room. */
static void test_retries(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\n" PARENT "Host: b\r\n\r\n";

	for (size_t first = 0; first < strlen(head) + 60; first++) {
		setup(state);
		send_short(head, first, 400);
		assert_int_equal(head_count(&wire, "traceparent"), 1);
		if (head_count(&wire, "x-request-id") != 1)
			fail_msg("short at %zu: %s", first, wire.bytes);
	}
}

/* ---- size (I6) ---- */

/* A head of @len bytes, blank line not counted. */
static char *large_head(size_t len)
{
	static const char before[] = "GET / HTTP/1.1\r\nCookie: ";
	char *head = malloc(len + 3);

	assert_non_null(head);
	memset(head, 'c', len);
	memcpy(head, before, strlen(before));
	memcpy(head + len - 2, "\r\n\r\n", 5);
	return head;
}

static void test_large_head(void **state)
{
	static const size_t sizes[] = {7679, 7680, 7681, 8192, 20000};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t skipped = ring_counted(COUNTER_INJECT_SKIPPED_SIZE);
		char *head = large_head(sizes[i]);

		setup(state);
		assert_int_equal(send_text(CLIENT, head, &wire), sizes[i] + 2);
		assert_int_equal(head_count(&wire, "traceparent"), sizes[i] <= 7680);
		assert_int_equal(ring_counted(COUNTER_INJECT_SKIPPED_SIZE),
				 skipped + (sizes[i] > 7680));
		if (sizes[i] > 7680)
			assert_string_equal(wire.bytes, head);
		free(head);
	}
}

/* ---- large baggage ---- */

#define BAGGAGE_LEN 8192

static void serve_large_baggage(char *baggage)
{
	static char head[BAGGAGE_LEN + 256];

	memset(baggage, 'v', BAGGAGE_LEN);
	memcpy(baggage, "k=", 2);
	baggage[BAGGAGE_LEN] = 0;
	snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n" PARENT "baggage: %s\r\n\r\n", baggage);
	receive(SERVER, head);
}

static void test_large_baggage(void **state)
{
	static const char *const calls[] = {
		CALL,
		"GET /b HTTP/1.1\r\nHost: b\r\ntracestate: a=b\r\n\r\n",
		/* a program that passes the traceparent on and leaves the baggage to us */
		"GET /b HTTP/1.1\r\nHost: b\r\n" PARENT "\r\n",
	};
	static char baggage[BAGGAGE_LEN + 1];

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		setup(state);
		serve_large_baggage(baggage);
		assert_int_equal(send_text(CLIENT, calls[i], &wire), strlen(calls[i]));
		assert_true(replaced());
		assert_head(&wire, "baggage", baggage);
	}
}

/* Over as many short writes as it takes; then the next connection's text, in the same memory. */
static void test_large_baggage_short(void **state)
{
	static char baggage[BAGGAGE_LEN + 1];
	struct iovec iov = {(void *)(uintptr_t)CALL, strlen(CALL)};

	(void)state;
	serve_large_baggage(baggage);
	while (iov.iov_len) {
		ssize_t n;

		limit = 1000;
		n = send_call(CLIENT, &iov, 1, &wire, first_limit, NULL);
		assert_true(n > 0);
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
	}
	assert_true(replaced());
	assert_head(&wire, "baggage", baggage);
	receive(CLIENT, ANSWER);
	wire.len = 0;
	send_text(SECOND, CALL, &wire);
	assert_true(replaced());
	assert_head(&wire, "baggage", baggage);
}

/* ---- more edits than a call holds ---- */

/* Sixteen heads get theirs; the others pass as they are, and all bytes are there. */
static void test_many_heads(void **state)
{
	static char calls[20 * sizeof(CALL)];
	size_t left = 0;

	(void)state;
	calls[0] = 0;
	for (int i = 0; i < 20; i++)
		strcat(calls, CALL);
	assert_int_equal(send_text(CLIENT, calls, &wire), strlen(calls));
	assert_in_range(head_count(&wire, "traceparent"), 1, CARRY_EDITS);
	for (const char *at = wire.bytes; *at; at = strchr(at, '\n') + 1)
		if (strncmp(at, "traceparent: ", 13) && strncmp(at, "X-Request-ID: ", 14))
			left += (size_t)(strchr(at, '\n') + 1 - at);
	assert_int_equal(left, strlen(calls));
}

/* A call of more pieces than a plan has room for passes as it is. */
static void test_many_pieces(void **state)
{
	struct iovec iov[CARRY_IOV + 8];
	size_t len = strlen(CALL);

	for (int count = CARRY_IOV - 8; count <= CARRY_IOV + 8; count++) {
		setup(state);
		for (int i = 0; i < count; i++)
			iov[i] = (struct iovec){
				(void *)(uintptr_t)&CALL[(size_t)i < len ? (size_t)i : len],
				(size_t)i < len};
		assert_int_equal(send_call(CLIENT, iov, count, &wire, no_limit, NULL), len);
		assert_int_equal(head_count(&wire, "traceparent"), 1);
		setup(state);
		for (int i = 0; i < count; i++)
			iov[i] = (struct iovec){(void *)(uintptr_t) "x", 1};
		iov[0] = (struct iovec){
			(void *)(uintptr_t) "GET / HTTP/1.1\r\nContent-Length: 200\r\n\r\n", 39};
		assert_int_equal(send_call(CLIENT, iov, count, &wire, no_limit, NULL), 38 + count);
		assert_int_equal(head_count(&wire, "traceparent"), count + 2 <= CARRY_IOV);
		assert_int_equal(strspn(wire.bytes + wire.len - (count - 1), "x"), count - 1);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_split_over_iovecs), TEST(test_split_over_calls),
		TEST(test_bytewise),          TEST(test_white_space),
		TEST(test_malformed_own),     TEST(test_signed),
		TEST(test_signed_short),      TEST(test_large_head),
		TEST(test_large_baggage),     TEST(test_large_baggage_short),
		TEST(test_many_heads),        TEST(test_many_pieces),
		TEST(test_short_everywhere),  TEST(test_retries),
	};

	start_agent(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
