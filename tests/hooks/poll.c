/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of waiting for descriptors: arguments untouched, carry/ told what was waited for and what
 * came of it, and told nothing when there is nothing to tell.
 */
#include "stub_carry.h"

#include <limits.h>

static int set_up(void **state)
{
	stub_setup(state);
	carry_self.current = 1;
	fake_returns({ 1, 0 });
	return 0;
}

#define poll_test(function) cmocka_unit_test_setup_teardown(function, set_up, stub_teardown)

static struct epoll_event events[4];
static sigset_t mask;
static volatile uintptr_t nowhere = 8;	/* the compiler would complain of a constant */

static void epoll_tells_how_many_were_ready(void **state)
{
	const struct timespec brief = { 0, 1500000 };

	(void)state;
	assert_int_equal(epoll_wait(6, events, 4, 250), 1);
	assert_ptr_equal(fake_pointer(1), events);
	assert_int_equal(fake_arg(3), 250);
	assert_log("begins 250; real.epoll_wait; woken 1 250 many");
	assert_int_equal(epoll_pwait(6, events, 4, -1, &mask), 1);
	assert_ptr_equal(fake_pointer(4), &mask);
	assert_log("begins -1; real.epoll_pwait; woken 1 -1 many");
	assert_int_equal(epoll_pwait2(6, events, 4, &brief, &mask), 1);
	assert_ptr_equal(fake_pointer(3), &brief);
	assert_log("begins 2; real.epoll_pwait2; woken 1 2 many");
	assert_int_equal(epoll_pwait2(6, events, 4, NULL, &mask), 1);
	assert_log("begins -1; real.epoll_pwait2; woken 1 -1 many");
	assert_int_equal(errno, 0);
}

static void an_interrupted_wait_keeps_its_errno(void **state)
{
	struct pollfd fds[1] = { { .fd = 3 } };
	fd_set in;
	struct timeval second = { 1, 0 };

	(void)state;
	FD_ZERO(&in);
	fake_returns({ -1, EINTR });
	assert_int_equal(epoll_wait(6, events, 4, 250), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(poll(fds, 1, -1), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(select(0, &in, NULL, NULL, &second), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(pselect(0, &in, NULL, NULL, NULL, NULL), -1);
	assert_int_equal(errno, EINTR);
}

static void nothing_to_tell_is_nothing_told(void **state)
{
	struct pollfd fds[1] = { { .fd = 3 } };

	(void)state;
	carry_self.current = 0;
	assert_int_equal(epoll_wait(6, events, 4, 250), 1);
	assert_int_equal(poll(fds, 1, 0), 1);
	assert_int_equal(__poll(fds, 1, 0), 1);
	assert_log("real.epoll_wait; real.poll; real.__poll");
	carry_serving = true;
	assert_int_equal(poll(fds, 1, 0), 1);
	carry_serving = false;
	assert_log("begins 0; real.poll; woken 1 0 one");
}

static void poll_tells_what_it_waited_for(void **state)
{
	struct pollfd fds[9] = { { .fd = 3 }, { .fd = 4 }, { .fd = -1 } };
	const struct timespec t = { 2, 0 };

	(void)state;
	assert_int_equal(poll(fds, 1, 5), 1);
	assert_int_equal(poll(fds, 2, 5), 1);
	assert_log("begins 5; real.poll; woken 1 5 one; begins 5; real.poll; woken 1 5 many");
	stub_own(3);
	stub_own(4);
	assert_int_equal(poll(fds, 3, 5), 1);
	assert_log("begins 5; real.poll; woken 1 5 own");
	fds[2].fd = 7;
	assert_int_equal(ppoll(fds, 3, &t, &mask), 1);
	assert_ptr_equal(fake_pointer(2), &t);
	assert_ptr_equal(fake_pointer(3), &mask);
	assert_log("begins 2000; real.ppoll; woken 1 2000 many");
	assert_int_equal(__poll_chk(fds, 2, 5, sizeof(fds)), 1);
	assert_int_equal(fake_arg(3), sizeof(fds));
	assert_log("begins 5; real.__poll_chk; woken 1 5 own");
	assert_int_equal(__ppoll_chk(fds, 2, NULL, NULL, sizeof(fds)), 1);
	assert_log("begins -1; real.__ppoll_chk; woken 1 -1 own");
	assert_int_equal(errno, 0);
}

/* One descriptor, and it is a connection that this process made: what comes is an answer. */
static void a_connection_that_was_made_here_is_told_apart(void **state)
{
	struct pollfd fds[1] = { { .fd = 5 } };
	fd_set in;

	(void)state;
	stub_watch(5, 8);
	assert_int_equal(poll(fds, 1, 5), 1);
	assert_log("begins 5; real.poll; woken 1 5 call");
	FD_ZERO(&in);
	FD_SET(5, &in);
	assert_int_equal(select(6, &in, NULL, NULL, NULL), 1);
	assert_log("begins -1; real.select; woken 1 -1 call");
}

static void many_descriptors_are_not_one_requests(void **state)
{
	struct pollfd fds[9];

	(void)state;
	for (int i = 0; i < 9; i++) {
		fds[i] = (struct pollfd){ .fd = 10 + i };
		stub_own(10 + i);
	}
	assert_int_equal(poll(fds, 8, 5), 1);
	assert_int_equal(poll(fds, 9, 5), 1);
	assert_log("begins 5; real.poll; woken 1 5 own; begins 5; real.poll; woken 1 5 many");
}

/* The kernel has not read the array when it fails, so nobody may. */
static void a_bad_array_is_left_to_the_kernel(void **state)
{
	(void)state;
	fake_returns({ -1, EFAULT });
	assert_int_equal(poll((struct pollfd *)nowhere, 1, 5), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(ppoll((struct pollfd *)nowhere, 1, NULL, NULL), -1);
	assert_int_equal(errno, EFAULT);
}

/* As the kernel does: what is left of the time. */
static void clear_timeout(const struct fake_call *call)
{
	struct timeval *timeout = (struct timeval *)(uintptr_t)call->arg[4];

	if (timeout)
		*timeout = (struct timeval){ 0, 0 };
	FD_ZERO((fd_set *)(uintptr_t)call->arg[1]);
}

static void select_is_read_before_it_changes(void **state)
{
	struct timeval timeout = { 0, 1001 };
	const struct timespec t = { 0, 1 };
	fd_set in;

	(void)state;
	FD_ZERO(&in);
	FD_SET(20, &in);
	stub_own(20);
	fake_during = clear_timeout;
	assert_int_equal(select(21, &in, NULL, NULL, &timeout), 1);
	assert_ptr_equal(fake_pointer(4), &timeout);
	assert_log("begins 2; real.select; woken 1 2 own");
	fake_during = NULL;
	FD_SET(21, &in);
	assert_int_equal(__select(22, &in, NULL, NULL, NULL), 1);
	assert_log("begins -1; real.select; woken 1 -1 one");
	FD_SET(20, &in);
	assert_int_equal(pselect(22, &in, NULL, NULL, &t, &mask), 1);
	assert_ptr_equal(fake_pointer(5), &mask);
	assert_log("begins 1; real.pselect; woken 1 1 many");
	assert_int_equal(errno, 0);
}

static void long_waits_do_not_overflow(void **state)
{
	const struct timespec ages = { INT_MAX, 999999999 };
	struct timeval years = { INT_MAX, 999999 };
	fd_set in;

	(void)state;
	FD_ZERO(&in);
	assert_int_equal(ppoll(NULL, 0, &ages, NULL), 1);
	assert_log("begins 2147483647; real.ppoll; woken 1 2147483647 many");
	assert_int_equal(select(0, &in, NULL, NULL, &years), 1);
	assert_log("begins 2147483647; real.select; woken 1 2147483647 many");
}

static void registering_is_told_once_it_succeeded(void **state)
{
	(void)state;
	fake_returns({ 0, 0 });
	assert_int_equal(epoll_ctl(6, EPOLL_CTL_ADD, 5, events), 0);
	assert_log("real.epoll_ctl; registered 5");
	assert_int_equal(epoll_ctl(6, EPOLL_CTL_MOD, 5, events), 0);
	assert_int_equal(epoll_ctl(6, EPOLL_CTL_DEL, 5, NULL), 0);
	assert_log("real.epoll_ctl; real.epoll_ctl");
	assert_int_equal(errno, 0);
	fake_returns({ -1, EEXIST });
	assert_int_equal(epoll_ctl(6, EPOLL_CTL_ADD, 5, events), -1);
	assert_int_equal(errno, EEXIST);
	assert_log("real.epoll_ctl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		poll_test(epoll_tells_how_many_were_ready),
		poll_test(an_interrupted_wait_keeps_its_errno),
		poll_test(nothing_to_tell_is_nothing_told),
		poll_test(poll_tells_what_it_waited_for),
		poll_test(a_connection_that_was_made_here_is_told_apart),
		poll_test(many_descriptors_are_not_one_requests),
		poll_test(a_bad_array_is_left_to_the_kernel),
		poll_test(select_is_read_before_it_changes),
		poll_test(long_waits_do_not_overflow),
		poll_test(registering_is_told_once_it_succeeded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
