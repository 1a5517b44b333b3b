/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of bytes that go out: the plan is executed as carry/ made it, and what the program gets is
 * what carry/ made of the result; without a plan it is the program's own call with its own
 * arguments.
 */
#include "stub_carry.h"

#include <limits.h>
#include <netinet/in.h>

#define FD 5

static int set_up(void **state)
{
	stub_setup(state);
	stub_watch(FD, 7);
	fake_returns({ 3, 0 });
	return 0;
}

#define sent_test(function) cmocka_unit_test_setup_teardown(function, set_up, stub_teardown)

/* ---- the program's own call ---- */

static void unedited_bytes_leave_by_the_programs_own_call(void **state)
{
	const char *bytes = "abc";
	const struct iovec iov = { (void *)(uintptr_t)bytes, 3 };
	const struct sockaddr_in addr = { .sin_family = AF_INET };

	(void)state;
	assert_int_equal(write(FD, bytes, 3), 3);
	assert_ptr_equal(fake_pointer(1), bytes);
	assert_log("sending 7 \"abc\"; real.write; sent 3");
	assert_int_equal(__write(FD, bytes, 3), 3);
	assert_log("sending 7 \"abc\"; real.write; sent 3");
	assert_int_equal(writev(FD, &iov, 1), 3);
	assert_ptr_equal(fake_pointer(1), &iov);
	assert_log("sending 7 \"abc\"; real.writev; sent 3");
	assert_int_equal(send(FD, bytes, 3, MSG_MORE), 3);
	assert_int_equal(fake_arg(3), MSG_MORE);
	assert_log("sending 7 \"abc\"; real.send; sent 3");
	assert_int_equal(__send(FD, bytes, 3, 0), 3);
	assert_log("sending 7 \"abc\"; real.send; sent 3");
	assert_int_equal(sendto(FD, bytes, 3, MSG_NOSIGNAL, (const struct sockaddr *)&addr, sizeof(addr)), 3);
	assert_ptr_equal(fake_pointer(4), &addr);
	assert_int_equal(fake_arg(3), MSG_NOSIGNAL);
	assert_int_equal(fake_arg(5), sizeof(addr));
	assert_log("sending 7 \"abc\"; real.sendto; sent 3");
	assert_int_equal(errno, 0);
}

static void an_unedited_message_is_the_programs_own(void **state)
{
	struct iovec iov = { (void *)(uintptr_t)"abc", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)state;
	assert_int_equal(sendmsg(FD, &msg, MSG_EOR), 3);
	assert_ptr_equal(fake_pointer(1), &msg);
	assert_int_equal(fake_arg(2), MSG_EOR);
	assert_log("sending 7 \"abc\"; real.sendmsg; sent 3");
	assert_int_equal(pwritev2(FD, &iov, 1, -1, 4), 3);
	assert_int_equal(fake_arg(3), -1);
	assert_int_equal(fake_arg(4), 4);
	assert_log("sending 7 \"abc\"; real.pwritev64v2; sent 3");
	assert_int_equal(pwritev64v2(FD, &iov, 1, -1, 0), 3);
	assert_log("sending 7 \"abc\"; real.pwritev64v2; sent 3");
	assert_int_equal(errno, 0);
}

static void an_error_is_the_programs(void **state)
{
	(void)state;
	fake_returns({ -1, EAGAIN });
	assert_int_equal(send(FD, "abc", 3, 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_log("sending 7 \"abc\"; real.send; sent -11");
	fake_returns({ -1, EPIPE });
	assert_int_equal(write(FD, "abc", 3), -1);
	assert_int_equal(errno, EPIPE);
	assert_log("sending 7 \"abc\"; real.write; sent -32");
}

static void a_refused_plan_is_not_settled(void **state)
{
	(void)state;
	stub_plan.refuse = true;
	assert_int_equal(send(FD, "abc", 3, 0), 3);
	assert_log("sending 7 \"abc\"; real.send; missed 7");
	assert_int_equal(errno, 0);
}

/* ---- edited calls ---- */

static char left[256];

static void keep_vector(const struct iovec *iov, size_t count)
{
	left[0] = 0;
	for (size_t i = 0; i < count; i++)
		strncat(left, iov[i].iov_base, iov[i].iov_len);
}

static void keep_writev(const struct fake_call *call)
{
	keep_vector((const struct iovec *)(uintptr_t)call->arg[1], call->arg[2]);
}

static struct msghdr kept;

static void keep_sendmsg(const struct fake_call *call)
{
	kept = *(const struct msghdr *)(uintptr_t)call->arg[1];
	keep_vector(kept.msg_iov, kept.msg_iovlen);
}

static void plan_edit_of_abc(void)
{
	stub_plan.text[0] = "a";
	stub_plan.text[1] = "++";
	stub_plan.text[2] = "bc";
	stub_plan.answer[0] = 3;
	stub_plan.answered = 0;
	fake_returns({ 5, 0 });
}

static void edited_writes_stay_writes(void **state)
{
	const struct iovec iov = { (void *)(uintptr_t)"abc", 3 };

	(void)state;
	fake_during = keep_writev;
	plan_edit_of_abc();
	assert_int_equal(write(FD, "abc", 3), 3);
	assert_log("sending 7 \"abc\"; real.writev; sent 5");
	assert_string_equal(left, "a++bc");
	plan_edit_of_abc();
	assert_int_equal(writev(FD, &iov, 1), 3);
	assert_log("sending 7 \"abc\"; real.writev; sent 5");
	plan_edit_of_abc();
	assert_int_equal(pwritev2(FD, &iov, 1, -1, 4), 3);
	assert_int_equal(fake_arg(4), 4);
	assert_log("sending 7 \"abc\"; real.pwritev64v2; sent 5");
	assert_string_equal(left, "a++bc");
	assert_int_equal(errno, 0);
}

static void edited_sends_keep_their_flags(void **state)
{
	const struct sockaddr_in addr = { .sin_family = AF_INET };

	(void)state;
	fake_during = keep_sendmsg;
	plan_edit_of_abc();
	assert_int_equal(send(FD, "abc", 3, MSG_MORE), 3);
	assert_log("sending 7 \"abc\"; real.sendmsg; sent 5");
	assert_string_equal(left, "a++bc");
	assert_int_equal(fake_arg(2), MSG_MORE);
	assert_null(kept.msg_name);

	plan_edit_of_abc();
	assert_int_equal(sendto(FD, "abc", 3, 0, (const struct sockaddr *)&addr, sizeof(addr)), 3);
	assert_ptr_equal(kept.msg_name, &addr);
	assert_int_equal(kept.msg_namelen, sizeof(addr));
	assert_int_equal(fake_arg(2), 0);
	assert_log("sending 7 \"abc\"; real.sendmsg; sent 5");
	assert_int_equal(errno, 0);
}

static void what_is_left_is_sent_again(void **state)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct iovec iov = { (void *)(uintptr_t)"abc", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &addr, .msg_namelen = 16 };

	(void)state;
	fake_during = keep_sendmsg;
	plan_edit_of_abc();
	stub_plan.answer[0] = CARRY_AGAIN;
	stub_plan.answer[1] = CARRY_AGAIN;
	stub_plan.answer[2] = 2;
	assert_int_equal(sendmsg(FD, &msg, MSG_DONTWAIT), 2);
	assert_log("sending 7 \"abc\"; real.sendmsg; sent 5; real.sendmsg; sent 5; real.sendmsg; sent 5");
	assert_int_equal(fake_arg(2), MSG_DONTWAIT);
	/* the address went with the first */
	assert_null(kept.msg_name);
	assert_int_equal(msg.msg_namelen, 16);
	assert_int_equal(errno, 0);
}

static void an_error_behind_our_own_bytes_is_carrys_answer(void **state)
{
	(void)state;
	plan_edit_of_abc();
	stub_plan.answer[0] = CARRY_AGAIN;
	stub_plan.answer[1] = -EAGAIN;
	fake_returns({ 1, 0 }, { -1, EAGAIN });
	assert_int_equal(send(FD, "abc", 3, 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_log("sending 7 \"abc\"; real.sendmsg; sent 1; real.sendmsg; sent -11");
}

static void carry_may_turn_a_success_into_an_error(void **state)
{
	(void)state;
	plan_edit_of_abc();
	stub_plan.answer[0] = -EAGAIN;
	assert_int_equal(send(FD, "abc", 3, 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_log("sending 7 \"abc\"; real.sendmsg; sent 5");
}

static void switch_off(const struct fake_call *call)
{
	(void)call;
	carry_state = CARRY_OFF;
}

static void a_plan_is_settled_even_when_the_agent_goes_off(void **state)
{
	(void)state;
	fake_during = switch_off;
	plan_edit_of_abc();
	assert_int_equal(write(FD, "abc", 3), 3);
	assert_log("sending 7 \"abc\"; real.writev; sent 5");
	assert_int_equal(errno, 0);
}

/* ---- calls that must not be edited ---- */

static void some_calls_may_not_be_edited(void **state)
{
	(void)state;
	assert_int_equal(send(FD, "abc", 3, MSG_OOB), 3);
	assert_log("sending 7 \"abc\" fixed; real.send; sent 3");
	assert_int_equal(send(FD, "abc", 3, 0x4000000), 3);
	assert_log("sending 7 \"abc\" fixed; real.send; sent 3");
}

static void control_data_goes_with_nothing_of_ours(void **state)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)"abc", 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };

	(void)state;
	assert_int_equal(sendmsg(FD, &msg, 0), 3);
	assert_ptr_equal(fake_pointer(1), &msg);
	assert_log("flushing 7; sending 7 \"abc\" fixed; real.sendmsg; sent 3");

	stub_plan.owed = "++";
	stub_plan.answered = 0;
	fake_returns({ -1, EAGAIN });
	assert_int_equal(sendmsg(FD, &msg, MSG_DONTWAIT | MSG_MORE), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fake_arg(2), MSG_DONTWAIT);
	assert_log("flushing 7; real.sendmsg; sent -11");
}

/* The compiler would complain of constants. */
static void *volatile nowhere;
static volatile int minus_one = -1, too_many = IOV_MAX + 1;

static void what_the_kernel_refuses_is_left_to_it(void **state)
{
	struct iovec wild = { (void *)8, 3 };
	struct iovec huge[2] = { { (void *)(uintptr_t)"abc", SSIZE_MAX }, { (void *)(uintptr_t)"abc", 3 } };
	struct iovec fine = { (void *)(uintptr_t)"abc", 3 };
	struct msghdr many = { .msg_iov = &fine, .msg_iovlen = IOV_MAX + 1 };

	(void)state;
	fake_returns({ -1, EFAULT });
	assert_int_equal(write(FD, nowhere, 3), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(writev(FD, nowhere, 1), -1);
	assert_int_equal(writev(FD, &wild, 1), -1);
	assert_int_equal(writev(FD, huge, 2), -1);
	assert_int_equal(writev(FD, &fine, minus_one), -1);
	assert_int_equal(writev(FD, &fine, too_many), -1);
	assert_log("real.write; real.writev; real.writev; real.writev; real.writev; real.writev");
	assert_int_equal(sendmsg(FD, nowhere, 0), -1);
	assert_int_equal(sendmsg(FD, &many, 0), -1);
	assert_int_equal(pwritev2(FD, &fine, 1, 0, 0), -1);
	assert_log("real.sendmsg; real.sendmsg; real.pwritev64v2");
	assert_int_equal(errno, EFAULT);
}

static void nothing_to_send_is_no_bytes(void **state)
{
	(void)state;
	fake_returns({ 0, 0 });
	assert_int_equal(write(FD, NULL, 0), 0);
	assert_int_equal(send(FD, "", 0, 0), 0);
	assert_log("real.write; real.send");
}

static void in_a_handler_the_connection_is_given_up(void **state)
{
	(void)state;
	stub_interrupt();
	assert_int_equal(write(FD, "abc", 3), 3);
	assert_log("real.write; missed 7");
	fake_returns({ -1, EAGAIN });
	assert_int_equal(send(FD, "abc", 3, 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_log("real.send");
}

static void answers_are_told_once_they_have_left(void **state)
{
	const struct iovec iov[] = { { (void *)(uintptr_t)"ab", 2 }, { (void *)(uintptr_t)"cd", 2 } };

	(void)state;
	stub_watch(FD, CARRY_SERVER | 9);
	assert_int_equal(writev(FD, iov, 2), 3);
	assert_int_equal(errno, 0);
	assert_log("real.writev; answered 9 \"abc\"");
	fake_returns({ -1, EPIPE });
	assert_int_equal(send(FD, "abc", 3, 0), -1);
	assert_int_equal(errno, EPIPE);
	assert_log("real.send");
	fake_returns({ 3, 0 });
	carry_state = CARRY_OFF;
	assert_int_equal(write(FD, "abc", 3), 3);
	carry_state = CARRY_ON;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sent_test(unedited_bytes_leave_by_the_programs_own_call),
		sent_test(an_unedited_message_is_the_programs_own),
		sent_test(an_error_is_the_programs),
		sent_test(a_refused_plan_is_not_settled),
		sent_test(edited_writes_stay_writes),
		sent_test(edited_sends_keep_their_flags),
		sent_test(what_is_left_is_sent_again),
		sent_test(an_error_behind_our_own_bytes_is_carrys_answer),
		sent_test(carry_may_turn_a_success_into_an_error),
		sent_test(a_plan_is_settled_even_when_the_agent_goes_off),
		sent_test(some_calls_may_not_be_edited),
		sent_test(control_data_goes_with_nothing_of_ours),
		sent_test(what_the_kernel_refuses_is_left_to_it),
		sent_test(nothing_to_send_is_no_bytes),
		sent_test(answers_are_told_once_they_have_left),
		sent_test(in_a_handler_the_connection_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
