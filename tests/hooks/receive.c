/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of bytes that come in: what carry/ is shown of a watched connection, and when it is shown
 * nothing.
 */
#include "stub_carry.h"

#define FD   5
#define BODY "abcdef"

static void fill_buffer(const struct fake_call *call)
{
	memcpy((void *)(uintptr_t)call->arg[1], BODY, 6);
}

static int set_up(void **state)
{
	stub_setup(state);
	stub_watch(FD, 7);
	fake_during = fill_buffer;
	fake_returns({ 3, 0 });
	return 0;
}

#define received_test(function) cmocka_unit_test_setup_teardown(function, set_up, stub_teardown)

static char buf[16];
static volatile int minus_one = -1;	/* the compiler would complain of a constant */

static void bytes_are_shown_after_the_call(void **state)
{
	(void)state;
	assert_int_equal(read(FD, buf, 6), 3);
	assert_log("real.read; received 7 \"abc\"");
	assert_int_equal(__read(FD, buf, 6), 3);
	assert_log("real.__read; received 7 \"abc\"");
	assert_int_equal(__read_chk(FD, buf, 6, sizeof(buf)), 3);
	assert_log("real.__read_chk; received 7 \"abc\"");
	assert_int_equal(recv(FD, buf, 6, MSG_DONTWAIT), 3);
	assert_int_equal(fake_arg(3), MSG_DONTWAIT);
	assert_log("real.recv; received 7 \"abc\"");
	assert_int_equal(__recv_chk(FD, buf, 6, sizeof(buf), 0), 3);
	assert_log("real.__recv_chk; received 7 \"abc\"");
	assert_int_equal(recvfrom(FD, buf, 6, 0, NULL, NULL), 3);
	assert_log("real.recvfrom; received 7 \"abc\"");
	assert_int_equal(__recvfrom_chk(FD, buf, 6, sizeof(buf), MSG_WAITALL, NULL, NULL), 3);
	assert_int_equal(fake_arg(3), sizeof(buf));
	assert_int_equal(fake_arg(4), MSG_WAITALL);
	assert_log("real.__recvfrom_chk; received 7 \"abc\"");
	assert_int_equal(errno, 0);
}

static void the_end_is_shown(void **state)
{
	struct iovec iov = { buf, 6 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)state;
	fake_during = NULL;
	fake_returns({ 0, 0 });
	assert_int_equal(read(FD, buf, 6), 0);
	assert_int_equal(readv(FD, &iov, 1), 0);
	assert_int_equal(recvmsg(FD, &msg, 0), 0);
	assert_log("real.read; received 7 \"\"; real.readv; received 7 \"\"; real.recvmsg; received 7 \"\"");
	assert_int_equal(errno, 0);
}

static void asking_for_nothing_is_not_the_end(void **state)
{
	struct iovec iov = { buf, 0 };

	(void)state;
	fake_during = NULL;
	fake_returns({ 0, 0 });
	assert_int_equal(read(FD, buf, 0), 0);
	assert_int_equal(recv(FD, NULL, 0, 0), 0);
	assert_int_equal(readv(FD, &iov, 1), 0);
	assert_int_equal(readv(FD, NULL, 0), 0);
	assert_log("real.read; real.recv; real.readv; real.readv");
}

static void a_failure_shows_nothing(void **state)
{
	struct iovec iov = { buf, 6 };

	(void)state;
	fake_during = NULL;
	fake_returns({ -1, EAGAIN });
	assert_int_equal(read(FD, buf, 6), -1);
	assert_int_equal(errno, EAGAIN);
	fake_returns({ -1, EFAULT });
	assert_int_equal(recvmsg(FD, NULL, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(readv(FD, &iov, minus_one), -1);
	assert_int_equal(recvmmsg(FD, NULL, 1, 0, NULL), -1);
	assert_log("real.read; real.recvmsg; real.readv; real.recvmmsg");
}

static void peeking_and_urgent_bytes_are_beside_the_stream(void **state)
{
	(void)state;
	assert_int_equal(recv(FD, buf, 6, MSG_PEEK), 3);
	assert_int_equal(recv(FD, buf, 6, MSG_OOB), 3);
	assert_int_equal(recv(FD, buf, 6, MSG_ERRQUEUE), 3);
	assert_int_equal(recvfrom(FD, buf, 6, MSG_PEEK | MSG_DONTWAIT, NULL, NULL), 3);
	assert_log("real.recv; real.recv; real.recv; real.recvfrom");
}

static void truncated_bytes_are_counted(void **state)
{
	(void)state;
	fake_during = NULL;
	assert_int_equal(recv(FD, NULL, 6, MSG_TRUNC), 3);
	assert_log("real.recv; received 7 unseen 3");
	assert_int_equal(errno, 0);
}

static void fill_vector(const struct fake_call *call)
{
	const struct iovec *iov = (const struct iovec *)(uintptr_t)call->arg[1];

	memcpy(iov[0].iov_base, "ab", 2);
	memcpy(iov[1].iov_base, "cd", 2);
}

static void a_vector_is_shown(void **state)
{
	char one[2], two[8];
	const struct iovec iov[] = { { one, 2 }, { two, 8 } };

	(void)state;
	fake_during = fill_vector;
	assert_int_equal(readv(FD, iov, 2), 3);
	assert_log("real.readv; received 7 \"abc\"");
	assert_int_equal(preadv2(FD, iov, 2, -1, 0), 3);
	assert_log("real.preadv2; received 7 \"abc\"");
	assert_int_equal(preadv64v2(FD, iov, 2, -1, 0), 3);
	assert_log("real.preadv64v2; received 7 \"abc\"");
	assert_int_equal(errno, 0);
}

static void fill_message(const struct fake_call *call)
{
	const struct msghdr *msg = (const struct msghdr *)(uintptr_t)call->arg[1];

	memcpy(msg->msg_iov[0].iov_base, BODY, 6);
}

static void a_message_is_shown(void **state)
{
	struct iovec iov = { buf, 6 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)state;
	fake_during = fill_message;
	assert_int_equal(recvmsg(FD, &msg, 0), 3);
	assert_log("real.recvmsg; received 7 \"abc\"");
	assert_int_equal(recvmsg(FD, &msg, MSG_PEEK), 3);
	assert_log("real.recvmsg");
	assert_int_equal(errno, 0);
}

static void fill_messages(const struct fake_call *call)
{
	struct mmsghdr *messages = (struct mmsghdr *)(uintptr_t)call->arg[1];

	for (int i = 0; i < 2; i++) {
		memcpy(messages[i].msg_hdr.msg_iov[0].iov_base, i ? "de" : "abc", i ? 2 : 3);
		messages[i].msg_len = i ? 2 : 3;
	}
}

static void several_messages_are_shown_in_order(void **state)
{
	char one[8], two[8];
	struct iovec iov[] = { { one, 8 }, { two, 8 } };
	struct mmsghdr messages[3] = {
		{ .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } },
	};

	(void)state;
	fake_during = fill_messages;
	fake_returns({ 2, 0 });
	assert_int_equal(recvmmsg(FD, messages, 3, 0, NULL), 2);
	assert_log("real.recvmmsg; received 7 \"abc\"; received 7 \"de\"");
	assert_int_equal(errno, 0);
}

static void in_a_handler_the_connection_is_given_up(void **state)
{
	(void)state;
	stub_interrupt();
	assert_int_equal(read(FD, buf, 6), 3);
	assert_log("real.read; missed 7");
	assert_int_equal(recv(FD, buf, 6, MSG_TRUNC), 3);
	assert_log("real.recv; missed 7");
	fake_during = NULL;
	fake_returns({ 0, 0 });
	assert_int_equal(read(FD, buf, 6), 0);
	assert_log("real.read");
	assert_int_equal(errno, 0);
}

/* Another thread closes the descriptor while this one waits: the bytes were the old connection's. */
static void closed_during_the_call(const struct fake_call *call)
{
	fill_buffer(call);
	stub_watch(FD, 9);
}

static void the_connection_is_the_one_before_the_call(void **state)
{
	(void)state;
	fake_during = closed_during_the_call;
	assert_int_equal(read(FD, buf, 6), 3);
	assert_log("real.read; received 7 \"abc\"");
}

/* A socket serves none of these; if it did, nobody would know which bytes of the stream they are. */
static void reads_at_an_offset_are_not_followed(void **state)
{
	struct iovec iov = { buf, 6 };

	(void)state;
	fake_during = NULL;
	assert_int_equal(pread(FD, buf, 6, 0), 3);
	assert_int_equal(pread64(FD, buf, 6, 0), 3);
	assert_log("real.pread; missed 7; real.pread64; missed 7");
	assert_int_equal(preadv(FD, &iov, 1, 0), 3);
	assert_int_equal(preadv64(FD, &iov, 1, 0), 3);
	assert_log("real.preadv; missed 7; real.preadv64; missed 7");
	fake_returns({ -1, ESPIPE });
	assert_int_equal(pread(FD, buf, 6, 0), -1);
	assert_int_equal(__pread64(FD, buf, 6, 0), -1);
	assert_int_equal(__pread_chk(FD, buf, 6, 0, 16), -1);
	assert_int_equal(__pread64_chk(FD, buf, 6, 0, 16), -1);
	assert_log("real.pread; real.__pread64; real.__pread_chk; real.__pread64_chk");
	assert_int_equal(errno, ESPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		received_test(bytes_are_shown_after_the_call),
		received_test(the_end_is_shown),
		received_test(asking_for_nothing_is_not_the_end),
		received_test(a_failure_shows_nothing),
		received_test(peeking_and_urgent_bytes_are_beside_the_stream),
		received_test(truncated_bytes_are_counted),
		received_test(a_vector_is_shown),
		received_test(a_message_is_shown),
		received_test(several_messages_are_shown_in_order),
		received_test(in_a_handler_the_connection_is_given_up),
		received_test(the_connection_is_the_one_before_the_call),
		received_test(reads_at_an_offset_are_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
