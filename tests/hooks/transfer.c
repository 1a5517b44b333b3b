/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of outgoing bytes that no plan can hold: several messages in one call, connections that
 * open with their first bytes, transfers inside the kernel, writes at an offset.
 */
#include "stub_carry.h"

#include <netinet/in.h>

#define FD 5

static int set_up(void **state)
{
	stub_setup(state);
	stub_watch(FD, 7);
	fake_returns({ 3, 0 });
	return 0;
}

#define transfer_test(function) cmocka_unit_test_setup_teardown(function, set_up, stub_teardown)

static void count_messages(const struct fake_call *call)
{
	struct mmsghdr *messages = (struct mmsghdr *)(uintptr_t)call->arg[1];

	messages[0].msg_len = 3;
	messages[1].msg_len = 1;
}

static void several_messages_are_read_as_they_left(void **state)
{
	struct iovec iov[] = { { (void *)(uintptr_t)"abc", 3 }, { (void *)(uintptr_t)"de", 2 } };
	struct mmsghdr messages[2] = {
		{ .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } },
	};

	(void)state;
	fake_during = count_messages;
	fake_returns({ 2, 0 });
	assert_int_equal(sendmmsg(FD, messages, 2, MSG_NOSIGNAL), 2);
	assert_ptr_equal(fake_pointer(1), messages);
	assert_log("flushing 7; real.sendmmsg; sending 7 \"abc\" fixed; sent 3; sending 7 \"de\" fixed; sent 1");
	assert_int_equal(errno, 0);
	fake_during = NULL;
	fake_returns({ -1, EPIPE });
	assert_int_equal(sendmmsg(FD, messages, 2, 0), -1);
	assert_int_equal(errno, EPIPE);
	assert_log("flushing 7; real.sendmmsg");
}

static void fast_open_connects(void **state)
{
	const struct sockaddr_in addr = { .sin_family = AF_INET };
	struct iovec iov = { (void *)(uintptr_t)"abc", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = (void *)(uintptr_t)&addr,
			      .msg_namelen = sizeof(addr) };

	(void)state;
	stub_watch(FD, CARRY_STREAM);
	assert_int_equal(sendto(FD, "abc", 3, MSG_FASTOPEN, (const struct sockaddr *)&addr, 16), 3);
	assert_log("real.sendto; connecting 5 family 2 len 16: 0");
	assert_int_equal(sendmsg(FD, &msg, MSG_FASTOPEN), 3);
	assert_log("real.sendmsg; connecting 5 family 2 len 16: 0");
	fake_returns({ -1, EINPROGRESS });
	assert_int_equal(sendto(FD, "abc", 3, MSG_FASTOPEN, (const struct sockaddr *)&addr, 16), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_log("real.sendto; connecting 5 family 2 len 16: -115");
}

static void transfers_are_counted(void **state)
{
	(void)state;
	assert_int_equal(sendfile(FD, 9, NULL, 3), 3);
	assert_log("flushing 7; real.sendfile; sent 7 unseen 3");
	assert_int_equal(sendfile64(FD, 9, NULL, 3), 3);
	assert_log("flushing 7; real.sendfile64; sent 7 unseen 3");
	assert_int_equal(splice(9, NULL, FD, NULL, 3, 0), 3);
	assert_log("flushing 7; real.splice; sent 7 unseen 3");
	assert_int_equal(splice(FD, NULL, 9, NULL, 3, 0), 3);
	assert_log("real.splice; received 7 unseen 3");
	assert_int_equal(tee(9, FD, 3, 0), 3);
	assert_log("flushing 7; real.tee; sent 7 unseen 3");
	assert_int_equal(copy_file_range(FD, NULL, 9, NULL, 3, 0), 3);
	assert_log("real.copy_file_range; received 7 unseen 3");
	assert_int_equal(vmsplice(FD, NULL, 0, 0), 3);
	assert_log("real.vmsplice; sent 7 unseen 3");
	assert_int_equal(errno, 0);
	fake_returns({ -1, EINVAL });
	assert_int_equal(splice(FD, NULL, 9, NULL, 3, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_log("real.splice");
}

static void what_is_owed_goes_before_a_transfer(void **state)
{
	(void)state;
	stub_plan.owed = "++";
	fake_returns({ 2, 0 }, { 3, 0 });
	assert_int_equal(sendfile(FD, 9, NULL, 3), 3);
	assert_log("flushing 7; real.sendmsg; sent 2; real.sendfile; sent 7 unseen 3");
	stub_plan.answered = 0;
	fake_returns({ -1, EAGAIN });
	assert_int_equal(sendfile(FD, 9, NULL, 3), -1);
	assert_int_equal(errno, EAGAIN);
	assert_log("flushing 7; real.sendmsg; sent -11");
}

static void writes_at_an_offset_are_not_followed(void **state)
{
	struct iovec iov = { (void *)(uintptr_t)"abc", 3 };

	(void)state;
	assert_int_equal(pwrite(FD, "abc", 3, 0), 3);
	assert_int_equal(pwritev(FD, &iov, 1, 0), 3);
	assert_log("real.pwrite; missed 7; real.pwritev; missed 7");
	fake_returns({ -1, ESPIPE });
	assert_int_equal(pwrite64(FD, "abc", 3, 0), -1);
	assert_int_equal(__pwrite64(FD, "abc", 3, 0), -1);
	assert_int_equal(pwritev64(FD, &iov, 1, 0), -1);
	assert_int_equal(errno, ESPIPE);
	assert_log("real.pwrite64; real.__pwrite64; real.pwritev64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		transfer_test(several_messages_are_read_as_they_left),
		transfer_test(fast_open_connects),
		transfer_test(transfers_are_counted),
		transfer_test(what_is_owed_goes_before_a_transfer),
		transfer_test(writes_at_an_offset_are_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
