/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a stream beside plain reads and writes: two numbers for it, bytes that nobody saw
 * (sendfile, splice), bytes that passed while the agent could not look, a header of ours still
 * owed.
 */
#include "carry_streams.h"

/* ---- numbers that share a stream ---- */

static void test_duplicates(void **state)
{
	(void)state;
	carry_duplicated(CLIENT, DUPLICATE);
	assert_true(carry_watch(CLIENT) == carry_watch(DUPLICATE));
	send_part(CLIENT, CALL, 10);
	send_part(DUPLICATE, &CALL[10], strlen(CALL) - 10);
	assert_int_equal(head_count(&wire, "traceparent"), 1);
	carry_closing(CLIENT);
	assert_int_equal(counted(COUNTER_SPANS), 0);
	receive(DUPLICATE, ANSWER);
	assert_int_equal(counted(COUNTER_SPANS), 1);
	assert_in_sync(DUPLICATE);
	carry_duplicated(SERVER, DUPLICATE); /* dup2 over the last number of a connection */
	receive_part(SERVER, REQUEST, 30);
	receive_part(DUPLICATE, &REQUEST[30], strlen(REQUEST) - 30);
	carry_duplicated(DUPLICATE, DUPLICATE);
	carry_closing(DUPLICATE);
	assert_serving(true);
	send_text(SERVER, ANSWER, &wire);
	assert_in_sync(SERVER);
}

/* ---- bytes that nobody saw ---- */

static void test_sendfile(void **state)
{
	(void)state;
	send_text(CLIENT, "PUT / HTTP/1.1\r\nContent-Length: 100\r\n\r\n", &wire);
	carry_sent_unseen(carry_watch(CLIENT), 60);
	carry_sent_unseen(carry_watch(CLIENT), 40);
	receive(CLIENT, ANSWER);
	assert_in_sync(CLIENT);
	receive(SERVER, REQUEST);
	send_text(SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", &wire);
	carry_sent_unseen(carry_watch(SERVER), 99);
	assert_serving(true);
	carry_sent_unseen(carry_watch(SERVER), 1);
	assert_serving(false);
	assert_in_sync(SERVER);
	for (int fd = SERVER; fd <= CLIENT; fd++) {
		static const char *const sent[] = {"", "HTTP/1.1 200 OK\r\nServer: x\r\n",
						   "GET / HTTP/1.1\r\nHost"};

		for (size_t i = 0; i < ARRAY_SIZE(sent); i++) {
			setup(NULL);
			if (fd == SERVER)
				receive(SERVER, REQUEST);
			send_part(fd, sent[i], strlen(sent[i]));
			carry_sent_unseen(carry_watch(fd), 5);
			assert_int_equal(counted(COUNTER_LOST) + counted(COUNTER_OPAQUE), 1);
			assert_untouched(fd);
		}
	}
}

/* splice() and MSG_TRUNC read what nobody looks at. */
static void test_received_unseen(void **state)
{
	(void)state;
	receive(SERVER, POSTED "\r\n");
	carry_received_unseen(carry_watch(SERVER), 10);
	assert_serving(true);
	send_text(SERVER, ANSWER, &wire);
	assert_in_sync(SERVER);
	send_text(CLIENT, CALL, &wire);
	receive(CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	carry_received_unseen(carry_watch(CLIENT), 9);
	assert_in_sync(CLIENT);
	carry_received_unseen(carry_watch(SERVER), 1);
	assert_int_equal(counted(COUNTER_LOST), 1);
	assert_untouched(SERVER);
}

static void test_missed(void **state)
{
	(void)state;
	for (int fd = SERVER; fd <= CLIENT; fd++) {
		setup(NULL);
		if (fd == SERVER)
			receive(fd, REQUEST);
		else
			send_text(fd, CALL, &wire);
		carry_missed(carry_watch(fd));
		assert_untouched(fd);
		assert_int_equal(counted(COUNTER_LOST), 1);
		assert_int_equal(counted(COUNTER_SPANS), 1);
	}
	carry_missed(0);
	carry_missed(CARRY_STREAM);
}

/* A header of ours was cut by a short write; then the program goes on with sendfile(). */
static void test_flushing(void **state)
{
	struct iovec iov = {(void *)(uintptr_t)CALL, strlen(CALL)};
	struct carry_plan plan;
	size_t cut = strlen(CALL) - 2 + 20;

	(void)state;
	carry_sending(&plan, carry_watch(CLIENT), &iov, 1, CARRY_SEND_PLAIN);
	assert_int_equal(carry_sent(&plan, kernel_take(&wire, plan.iov, plan.iovcnt, cut)),
			 strlen(CALL) - 2);
	assert_int_equal(counted(COUNTER_OWED), 1);
	carry_flushing(&plan, carry_watch(CLIENT));
	assert_true(plan.planned && plan.iovcnt == 1);
	assert_int_equal(carry_sent(&plan, kernel_take(&wire, plan.iov, plan.iovcnt, 7)),
			 CARRY_AGAIN);
	assert_int_equal(carry_sent(&plan, -EAGAIN), -EAGAIN);
	carry_flushing(&plan, carry_watch(CLIENT));
	assert_int_equal(carry_sent(&plan, kernel_take(&wire, plan.iov, plan.iovcnt, SIZE_MAX)), 0);
	carry_flushing(&plan, carry_watch(CLIENT));
	assert_false(plan.planned);
	assert_memory_equal(wire.bytes, CALL, strlen(CALL) - 2);
	assert_int_equal(head_count(&wire, "traceparent"), 1);
	assert_int_equal(wire.bytes[wire.len - 1], '\n');
	send_text(CLIENT, "\r\n", &wire);
	assert_int_equal(head_count(&wire, "traceparent"), 1);
	receive(CLIENT, ANSWER);
	assert_in_sync(CLIENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_duplicates), TEST(test_sendfile), TEST(test_received_unseen),
		TEST(test_missed),     TEST(test_flushing),
	};
	char directory[] = "/tmp/carry_unseen.XXXXXX";
	int failed;

	start_recording(NULL, directory);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	remove_recording(directory);
	return failed;
}
