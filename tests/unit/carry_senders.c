/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two threads that send on one client connection at once: which bytes come first cannot be known,
 * so the connection is given up. What was under way then must still leave as it was planned, byte
 * for byte.
 */
#include "carry_child.h"

#include <pthread.h>

#define CALL "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
#define HEAD "POST /b HTTP/1.1\r\nHost: b\r\nContent-Length: 8\r\n"

enum { CLIENT = 11, OTHER, THIRD };

static struct wire wire;

static int setup(void **state)
{
	(void)state;
	carry_waiting(false);
	for (int fd = CLIENT; fd <= THIRD; fd++) {
		carry_closing(fd);
		open_client(fd);
	}
	wire.len = 0;
	return 0;
}

/* A call that another one overtakes: planned here, sent later. */
struct call {
	struct iovec iov;
	struct carry_plan plan;
	struct wire expect; /* what it must put on the wire */
};

static void call_begins(struct call *call, const char *bytes)
{
	*call = (struct call){.iov = {(void *)(uintptr_t)bytes, strlen(bytes)}};
	carry_sending(&call->plan, carry_watch(CLIENT), &call->iov, 1, CARRY_SEND_PLAIN);
	if (call->plan.iovcnt)
		kernel_take(&call->expect, call->plan.iov, call->plan.iovcnt, SIZE_MAX);
	else
		kernel_take(&call->expect, &call->iov, 1, SIZE_MAX);
}

/* The kernel takes it all, only now. */
static void call_leaves(struct call *call)
{
	size_t before = wire.len;

	if (call->plan.iovcnt)
		kernel_take(&wire, call->plan.iov, call->plan.iovcnt, SIZE_MAX);
	else
		kernel_take(&wire, &call->iov, 1, SIZE_MAX);
	assert_int_equal(wire.len - before, call->expect.len);
	if (memcmp(wire.bytes + before, call->expect.bytes, call->expect.len))
		fail_msg("planned:\n%s\nleft:\n%s", call->expect.bytes, wire.bytes + before);
}

static void call_ends(struct call *call)
{
	if (call->plan.planned)
		assert_int_equal(carry_sent(&call->plan, (ssize_t)call->expect.len),
				 call->iov.iov_len);
	free(call->expect.bytes);
}

/* What was given back too early is somebody else's now. */
static void others_send(void)
{
	struct wire elsewhere = {0};

	for (int fd = OTHER; fd <= THIRD; fd++)
		send_text(fd, CALL, &elsewhere);
	free(elsewhere.bytes);
}

/* @first_ends_first: in which order the two calls return. */
static void overtake(bool first_ends_first, const char *first_bytes, const char *second_bytes)
{
	uint64_t lost = ring_counted(COUNTER_LOST);
	struct call first, second;

	call_begins(&first, first_bytes);
	call_begins(&second, second_bytes);
	assert_int_equal(ring_counted(COUNTER_LOST), lost + 1);
	if (first_ends_first) {
		call_leaves(&first);
		call_ends(&first);
		others_send();
		call_leaves(&second);
		call_ends(&second);
	} else {
		call_leaves(&second);
		call_ends(&second);
		others_send();
		call_leaves(&first);
		call_ends(&first);
	}
	wire.len = 0;
	send_text(CLIENT, CALL, &wire);
	assert_string_equal(wire.bytes, CALL);
}

static void test_overtaken(void **state)
{
	for (int order = 0; order < 2; order++) {
		setup(state);
		overtake(order, CALL, "x");
		setup(state);
		overtake(order, CALL, CALL);
		setup(state);
		send_text(CLIENT, HEAD, &wire);
		overtake(order, "\r\nbodybody", "more");
	}
}

/* Part of a header of ours is owed: one of the two calls takes it along, not both. */
static void test_owed_once(void **state)
{
	for (int order = 0; order < 2; order++) {
		struct iovec iov = {(void *)(uintptr_t)CALL, strlen(CALL)};
		struct carry_plan plan;
		struct wire all = {0};

		setup(state);
		carry_sending(&plan, carry_watch(CLIENT), &iov, 1, CARRY_SEND_PLAIN);
		kernel_take(&all, plan.iov, plan.iovcnt, SIZE_MAX);
		assert_int_equal(carry_sent(&plan, kernel_take(&wire, plan.iov, plan.iovcnt,
							       strlen(CALL) + 10)),
				 strlen(CALL) - 2);
		struct call first, second;
		call_begins(&first, "\r\n");
		call_begins(&second, "x");
		call_leaves(&first);
		call_leaves(&second);
		call_ends(order ? &first : &second);
		call_ends(order ? &second : &first);
		assert_int_equal(wire.len, all.len + 1);
		assert_memory_equal(wire.bytes, all.bytes, all.len);
		free(all.bytes);
	}
}

/* ---- real threads ---- */

#define THREADS 4
#define CALLS   3000

static pthread_mutex_t kernel = PTHREAD_MUTEX_INITIALIZER;

#define CHECK(ok)                                                                \
	do {                                                                     \
		if (!(ok)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #ok); \
			abort();                                                 \
		}                                                                \
	} while (0)

static void *send_many(void *arg)
{
	CHECK(carry_enter());
	for (int i = 0; i < CALLS; i++) {
		struct iovec iov = {(void *)(uintptr_t)CALL, strlen(CALL)};
		uint64_t connection = carry_watch(CLIENT + i % 3);
		struct carry_plan plan;
		ssize_t n;

		carry_sending(&plan, connection, &iov, 1, CARRY_SEND_PLAIN);
		carry_leave();
		pthread_mutex_lock(&kernel);
		if (plan.iovcnt)
			n = kernel_take(arg, plan.iov, plan.iovcnt, SIZE_MAX);
		else
			n = kernel_take(arg, &iov, 1, SIZE_MAX);
		pthread_mutex_unlock(&kernel);
		CHECK(carry_enter());
		CHECK(!plan.planned || carry_sent(&plan, n) == (ssize_t)strlen(CALL));
	}
	carry_thread_exit();
	carry_leave();
	return NULL;
}

/* Calls in any order, each of them whole, with lines of ours or without. */
static void test_threads(void **state)
{
	static const char *const lines[] = {"GET /b HTTP/1.1\r\n", "Host: b\r\n"};
	pthread_t thread[THREADS];
	int calls = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, send_many, &wire), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (const char *at = wire.bytes; *at; calls++) {
		for (int i = 0; i < 2; at += strlen(lines[i++]))
			assert_memory_equal(at, lines[i], strlen(lines[i]));
		if (!strncmp(at, "traceparent: 00-", 16)) {
			assert_int_equal(strspn(at + 16, "0123456789abcdef-"), 52);
			at = strchr(at, '\n') + 1;
		}
		if (!strncmp(at, "X-Request-ID: ", 14))
			at = strchr(at, '\n') + 1;
		assert_memory_equal(at, "\r\n", 2);
		at += 2;
	}
	assert_int_equal(calls, THREADS * CALLS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {TEST(test_threads), TEST(test_owed_once),
					   TEST(test_overtaken)};

	start_agent(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
