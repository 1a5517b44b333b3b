/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The causality rules, one by one: a fact goes in as a hook would report it, and what leaves on the
 * wire says which context was believed. Each rule has the case that must not be asserted beside it.
 */
#include "carry_harness.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define A "4bf92f3577b34da6a3ce929d0e0e4731"
#define B "4bf92f3577b34da6a3ce929d0e0e4732"
#define REQUEST(trace) \
	"GET /call HTTP/1.1\r\nHost: a\r\ntraceparent: 00-" trace "-00f067aa0ba902b7-01\r\n\r\n"
#define CALL     "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
#define ONE_SHOT "GET /b HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"
#define ANSWER   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { SERVER_A = 10, SERVER_B, CLIENT_1, CLIENT_2, CLIENT_3 };

static struct wire wire;

/* The trace id that a call on @fd leaves with is @trace; NULL: any that no request came in with. */
static void assert_call(int fd, const char *call, const char *trace)
{
	const char *at;

	wire.len = 0;
	assert_int_equal(send_text(fd, call, &wire), strlen(call));
	at = wire_trace(&wire, 0);
	assert_non_null(at);
	assert_null(wire_trace(&wire, 1));
	if (trace) {
		assert_memory_equal(at, trace, 32);
		assert_memory_not_equal(at + 33, "00f067aa0ba902b7", 16);
	} else {
		assert_memory_not_equal(at, A, 31);
	}
}

static void wake(int ready, int timeout_ms)
{
	carry_wait_begins(timeout_ms);
	carry_woken(ready, timeout_ms, CARRY_WAIT_MANY);
}

static void answer(int fd)
{
	wire.len = 0;
	assert_int_equal(send_text(fd, ANSWER, &wire), strlen(ANSWER));
	assert_string_equal(wire.bytes, ANSWER);
}

static int setup(void **state)
{
	(void)state;
	wake(2, -1);
	for (int fd = SERVER_A; fd <= CLIENT_3; fd++)
		carry_closing(fd);
	open_server(SERVER_A);
	open_server(SERVER_B);
	for (int fd = CLIENT_1; fd <= CLIENT_3; fd++)
		open_client(fd);
	return 0;
}

/* R1, R3: what a stack has read is what it works for. */
static void test_straight_line(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	assert_call(CLIENT_1, CALL, A);
	receive(CLIENT_1, ANSWER);
	assert_call(CLIENT_1, CALL, A);
	receive(CLIENT_1, ANSWER);
	answer(SERVER_A);
	receive(SERVER_A, REQUEST(B));
	assert_call(CLIENT_1, CALL, B);
}

/* R2: an answered request is nobody's parent. */
static void test_answered(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	answer(SERVER_A);
	assert_call(CLIENT_1, CALL, NULL);
}

static void test_half_a_head(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	assert_call(CLIENT_1, CALL, A);
	receive(SERVER_B, "GET / HTTP/1.1\r\nHost:");
	assert_call(CLIENT_2, CALL, NULL);
}

static void test_pipelined(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A) REQUEST(B));
	assert_call(CLIENT_1, CALL, NULL);
	answer(SERVER_A);
	answer(SERVER_A);
	assert_int_equal(carry_self.current, 0);
}

/* The bytes themselves name the request, whatever the stack believed. */
static void test_forwarded(void **state)
{
	uint64_t followed = ring_counted(COUNTER_FOLLOWED);

	(void)state;
	receive(SERVER_A, REQUEST(A));
	receive(SERVER_B, REQUEST(B));
	assert_call(CLIENT_1, REQUEST(A), A);
	assert_call(CLIENT_2, REQUEST(B), B);
	assert_int_equal(ring_counted(COUNTER_FOLLOWED), followed + 2);
}

/* A traceparent that is malformed does not leave. */
static void test_malformed_forwarded(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	assert_call(CLIENT_1, "GET / HTTP/1.1\r\ntraceparent: 00-xyz\r\n\r\n", A);
	assert_null(strstr(wire.bytes, "xyz"));
}

/* R9: a wake gives nothing; what was believed before it is over. */
static void test_wake(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	wake(1, 100);
	assert_call(CLIENT_1, CALL, NULL);
}

/* A wait for nothing but what this request made is no switch. */
static void test_wait_for_own(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	carry_closing(CLIENT_1);
	open_client(CLIENT_1);
	assert_true(carry_own(CLIENT_1));
	assert_false(carry_own(CLIENT_2));
	carry_woken(1, 100, carry_own(CLIENT_1) ? CARRY_WAIT_OWN : CARRY_WAIT_MANY);
	assert_call(CLIENT_1, CALL, A);
}

/* Deferred work: two requests were read, one of them calls out. Which one is not known. */
static void test_two_claim(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	receive(SERVER_B, REQUEST(B));
	assert_call(CLIENT_1, CALL, NULL);
}

/* Once the other one waits for an answer, only one is left that can call. */
static void test_one_claims(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	assert_call(CLIENT_1, CALL, A);
	receive(SERVER_B, REQUEST(B));
	assert_call(CLIENT_2, CALL, B);
}

/* R7: the answer brings its requester back. */
static void test_answer_restores(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	assert_call(CLIENT_1, CALL, A);
	receive(SERVER_B, REQUEST(B));
	assert_call(CLIENT_2, CALL, B);
	wake(1, 100);
	receive(CLIENT_1, ANSWER);
	assert_call(CLIENT_3, CALL, A);
}

/* A queue in front of a pool of connections: an answer frees one, and another request takes it. */
static void test_wait_queue(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	assert_call(CLIENT_1, CALL, A);
	receive(SERVER_B, REQUEST(B));
	wake(1, -1);
	receive(CLIENT_1, ANSWER);
	assert_call(CLIENT_1, CALL, NULL);
}

/* R8: a connection made for one request names it; one that is kept alive does not. */
static void test_connect(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	carry_closing(CLIENT_1);
	open_client(CLIENT_1);
	carry_closing(CLIENT_2);
	open_client(CLIENT_2);
	wake(1, 100);
	assert_call(CLIENT_1, ONE_SHOT, A);
	wake(1, 100);
	assert_call(CLIENT_2, CALL, NULL);
}

/* One event after a wait for ever, and nothing else since: polls that find nothing change nothing.
 */
static void test_lone_event(void **state)
{
	(void)state;
	wake(1, -1);
	receive(SERVER_A, REQUEST(A));
	wake(0, 0);
	assert_call(CLIENT_1, CALL, A);
	wake(1, 0);
	assert_call(CLIENT_2, CALL, NULL);
}

static void test_two_events_are_not_lone(void **state)
{
	(void)state;
	wake(2, -1);
	receive(SERVER_A, REQUEST(A));
	wake(0, 0);
	assert_call(CLIENT_1, CALL, NULL);
}

/* A wait for work ends what was believed; a millisecond's wait (an interpreter's lock) does not. */
static void test_waiting(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	carry_waiting(true);
	assert_call(CLIENT_1, CALL, A);
	receive(CLIENT_1, ANSWER);
	carry_waiting(false);
	assert_call(CLIENT_2, CALL, NULL);
}

/* ---- threads (R4) ---- */

struct child {
	struct carry_snapshot snapshot;
	bool waits;
	const char *expect;
};

static void *child_main(void *arg)
{
	struct child *child = arg;

	assert_true(carry_enter());
	carry_thread_adopt(&child->snapshot);
	if (child->waits)
		carry_waiting(false);
	assert_call(CLIENT_1, CALL, child->expect);
	receive(CLIENT_1, ANSWER);
	carry_thread_exit();
	carry_leave();
	return NULL;
}

static void run_child(uintptr_t routine, bool waits, const char *expect)
{
	struct child child = {.waits = waits, .expect = expect};
	pthread_t thread;

	carry_thread_snapshot(&child.snapshot, routine);
	assert_int_equal(pthread_create(&thread, NULL, child_main, &child), 0);
	pthread_join(thread, NULL);
}

static void test_thread_inherits(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	run_child(0x1000, false, A);
}

/* A worker of a pool waits for work first: what it inherited was not for it, nor for its like. */
static void test_pool_routine(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	run_child(0x2000, true, NULL);
	run_child(0x2000, false, NULL);
	run_child(0x3000, false, A);
}

/* Several requests were read before the first thread is made: for which of them is not known. */
static void test_thread_late(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	receive(SERVER_B, REQUEST(B));
	run_child(0x4000, false, NULL);
}

/* Fire and forget: a snapshot taken before the answer is a parent after it. */
static void test_thread_outlives(void **state)
{
	struct child child = {.expect = A};
	pthread_t thread;

	(void)state;
	receive(SERVER_A, REQUEST(A));
	carry_thread_snapshot(&child.snapshot, 0x5000);
	answer(SERVER_A);
	assert_int_equal(pthread_create(&thread, NULL, child_main, &child), 0);
	pthread_join(thread, NULL);
}

/* ---- fork (R22): the child carries on with the request ---- */

static void test_fork(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	receive(SERVER_A, REQUEST(A));
	pid = fork();
	if (!pid) {
		carry_leave();
		_exit(!carry_enter() || ring_counted(COUNTER_FORKS) != 1 ||
		      send_text(CLIENT_1, CALL, &wire) < 0 || memcmp(wire_trace(&wire, 0), A, 32));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The parent goes on: the next request on the connection is its own again, the child answers the
 * first. */
static void test_fork_per_request(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	for (int i = 0; i < 40; i++) {
		receive(SERVER_A, i % 2 ? REQUEST(B) : REQUEST(A));
		assert_int_not_equal(carry_self.current, 0);
		pid = fork();
		if (!pid) {
			carry_leave();
			if (!carry_enter() || send_text(SERVER_A, ANSWER, &wire) < 0)
				_exit(1);
			_exit(ring_counted(COUNTER_AUDIT_AGREE) != 1 || carry_self.current);
		}
		carry_fork_parent();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* Two requests, one handed to a child, and an answer here: it may be either's. */
static void test_fork_and_pipelined(void **state)
{
	uint64_t given_up = ring_counted(COUNTER_OPAQUE);

	(void)state;
	receive(SERVER_A, REQUEST(A));
	carry_fork_parent();
	receive(SERVER_A, REQUEST(B));
	answer(SERVER_A);
	assert_int_equal(ring_counted(COUNTER_OPAQUE), given_up + 1);
}

/* ---- the self-audit ---- */

static void test_audit(void **state)
{
	uint64_t agree = ring_counted(COUNTER_AUDIT_AGREE),
		 wrong = ring_counted(COUNTER_AUDIT_CONTRADICT);
	uint64_t unknown = ring_counted(COUNTER_AUDIT_UNKNOWN);

	(void)state;
	receive(SERVER_A, REQUEST(A));
	answer(SERVER_A);
	assert_int_equal(ring_counted(COUNTER_AUDIT_AGREE), agree + 1);
	receive(SERVER_A, REQUEST(A));
	receive(SERVER_B, REQUEST(B));
	answer(SERVER_A);
	assert_int_equal(ring_counted(COUNTER_AUDIT_CONTRADICT), wrong + 1);
	wake(1, 10);
	answer(SERVER_B);
	assert_int_equal(ring_counted(COUNTER_AUDIT_UNKNOWN), unknown + 1);
}

/* ---- what is not HTTP passes untouched ---- */

static void test_opaque(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	wire.len = 0;
	send_text(CLIENT_1, "\x16\x03\x01 GET / HTTP/1.1\r\n\r\n", &wire);
	send_text(CLIENT_1, CALL, &wire);
	assert_string_equal(wire.bytes, "\x16\x03\x01 GET / HTTP/1.1\r\n\r\n" CALL);
}

static void test_smuggling(void **state)
{
	static const char head[] =
		"POST / HTTP/1.1\r\ntraceparent: 00-" A "-00f067aa0ba902b7-01\r\n"
		"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

	(void)state;
	wire.len = 0;
	send_text(CLIENT_1, head, &wire);
	assert_string_equal(wire.bytes, head);
}

static void test_missed_bytes(void **state)
{
	(void)state;
	receive(SERVER_A, REQUEST(A));
	carry_missed(carry_watch(CLIENT_1));
	wire.len = 0;
	send_text(CLIENT_1, CALL, &wire);
	assert_string_equal(wire.bytes, CALL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_straight_line),
		TEST(test_answered),
		TEST(test_half_a_head),
		TEST(test_pipelined),
		TEST(test_forwarded),
		TEST(test_malformed_forwarded),
		TEST(test_wake),
		TEST(test_wait_for_own),
		TEST(test_two_claim),
		TEST(test_one_claims),
		TEST(test_answer_restores),
		TEST(test_wait_queue),
		TEST(test_connect),
		TEST(test_lone_event),
		TEST(test_two_events_are_not_lone),
		TEST(test_waiting),
		TEST(test_thread_inherits),
		TEST(test_pool_routine),
		TEST(test_thread_late),
		TEST(test_thread_outlives),
		TEST(test_fork),
		TEST(test_fork_per_request),
		TEST(test_fork_and_pipelined),
		TEST(test_audit),
		TEST(test_opaque),
		TEST(test_smuggling),
		TEST(test_missed_bytes),
	};

	start_agent(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
