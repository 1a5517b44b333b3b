/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of descriptors: made, closed, given a second number. carry/ forgets a number before
 * somebody else can get it, and only when it is really gone.
 */
#include "stub_carry.h"

#include <limits.h>
#include <linux/close_range.h>

static void close_forgets_first(void **state)
{
	(void)state;
	stub_watch(5, 7);
	assert_int_equal(close(5), 0);
	assert_log("closing 5; real.close");
	assert_int_equal(errno, 0);
	stub_watch(5, CARRY_STREAM);
	fake_returns({ -1, EINTR });
	assert_int_equal(__close(5), -1);
	assert_int_equal(errno, EINTR);
	assert_log("closing 5; real.__close");
}

static void close_of_the_unknown_is_just_close(void **state)
{
	(void)state;
	assert_int_equal(close(5), 0);
	assert_int_equal(close(-1), 0);
	assert_int_equal(close(INT_MAX), 0);
	assert_log("real.close; real.close; real.close");
}

static void close_in_a_handler_gives_the_connection_up(void **state)
{
	(void)state;
	stub_watch(5, 7);
	stub_interrupt();
	assert_int_equal(close(5), 0);
	assert_log("missed 7; real.close");
	assert_int_equal(errno, 0);
}

/* The fake closes nothing: the stream stays in stdio's list until the process ends. */
static void fclose_forgets_the_descriptor_below(void **state)
{
	FILE *stream = fopen("/dev/null", "r");
	int fd = fileno(stream);

	(void)state;
	assert_in_range(fd, 0, 1000);
	stub_watch(fd, 7);
	fake_returns({ EOF, EIO });
	assert_int_equal(fclose(stream), EOF);
	assert_int_equal(errno, EIO);
	assert_ptr_equal(strstr(stub_log, "closing "), stub_log);
	assert_non_null(strstr(stub_log, "; real.fclose"));
}

static void close_range_closes_unless_it_only_marks(void **state)
{
	(void)state;
	assert_int_equal(close_range(3, 9, 0), 0);
	assert_log("closing 3 to 9; real.close_range");
	assert_int_equal(close_range(3, UINT_MAX, CLOSE_RANGE_UNSHARE), 0);
	assert_log("closing 3 to 4294967295; real.close_range");
	assert_int_equal(close_range(3, 9, CLOSE_RANGE_CLOEXEC), 0);
	assert_log("real.close_range");
	fake_returns({ -1, EINVAL });
	assert_int_equal(close_range(9, 3, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_log("real.close_range");
}

static void closefrom_closes_all_above(void **state)
{
	(void)state;
	closefrom(3);
	assert_log("closing 3 to 4294967295; real.closefrom");
	closefrom(-2);
	assert_int_equal((int)fake_arg(0), -2);
	assert_log("closing 0 to 4294967295; real.closefrom");
	assert_int_equal(errno, 0);
}

static void a_duplicate_is_the_same_stream(void **state)
{
	(void)state;
	stub_watch(5, 7);
	fake_returns({ 9, 0 });
	assert_int_equal(dup(5), 9);
	assert_log("real.dup; duplicated 5 to 9");
	assert_int_equal(dup(6), 9);
	assert_log("real.dup");
	fake_returns({ -1, EMFILE });
	assert_int_equal(dup(5), -1);
	assert_int_equal(errno, EMFILE);
	assert_log("real.dup");
}

static void dup2_replaces_what_was_there(void **state)
{
	(void)state;
	stub_watch(5, 7);
	fake_returns({ 9, 0 });
	assert_int_equal(dup2(5, 9), 9);
	assert_log("real.dup2; closing 9; duplicated 5 to 9");
	assert_int_equal(__dup2(9, 5), 9);
	assert_log("real.__dup2; closing 5; duplicated 9 to 5");
	assert_int_equal(dup3(5, 9, O_CLOEXEC), 9);
	assert_log("real.dup3; closing 9; duplicated 5 to 9");
	assert_int_equal(errno, 0);
}

static void dup2_that_changes_nothing_says_nothing(void **state)
{
	(void)state;
	stub_watch(5, 7);
	fake_returns({ 5, 0 });
	assert_int_equal(dup2(5, 5), 5);
	assert_log("real.dup2");
	fake_returns({ -1, EBADF });
	assert_int_equal(dup2(5, 9), -1);
	assert_int_equal(errno, EBADF);
	assert_log("real.dup2");
	fake_returns({ 4, 0 });
	assert_int_equal(dup2(3, 4), 4);
	assert_log("real.dup2");
}

/* As programs call them: with the prototype of libc's headers. */
static int (*volatile plain_fcntl)(int fd, int command, ...) = (void *)fcntl;
static int (*volatile plain_fcntl64)(int fd, int command, ...) = (void *)fcntl64;
static int (*volatile plain__fcntl)(int fd, int command, ...) = (void *)__fcntl;

static void fcntl_duplicates(void **state)
{
	struct flock lock;

	(void)state;
	stub_watch(5, 7);
	fake_returns({ 9, 0 });
	assert_int_equal(plain_fcntl(5, F_DUPFD, 3), 9);
	assert_log("real.fcntl; duplicated 5 to 9");
	assert_int_equal(plain_fcntl64(5, F_DUPFD_CLOEXEC, 3), 9);
	assert_log("real.fcntl64; duplicated 5 to 9");
	assert_int_equal(plain__fcntl(5, F_DUPFD, 3), 9);
	assert_log("real.__fcntl; duplicated 5 to 9");
	assert_int_equal(plain_fcntl(5, F_GETFD), 9);
	assert_int_equal(plain_fcntl(5, F_SETLK, &lock), 9);
	assert_ptr_equal(fake_pointer(2), &lock);
	assert_log("real.fcntl; real.fcntl");
	assert_int_equal(errno, 0);
}

static void fill_pipe(const struct fake_call *call)
{
	int *fds = (int *)(uintptr_t)call->arg[0];

	fds[0] = 8;
	fds[1] = 9;
}

static void pipes_are_reported(void **state)
{
	int fds[2];

	(void)state;
	fake_during = fill_pipe;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(__pipe(fds), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_log("real.pipe; made 8; made 9; real.__pipe; made 8; made 9; real.pipe2; made 8; made 9");
	fake_returns({ -1, EMFILE });
	assert_int_equal(pipe(fds), -1);
	assert_int_equal(errno, EMFILE);
	assert_log("real.pipe");
}

static void what_is_made_is_reported(void **state)
{
	sigset_t mask;

	(void)state;
	sigemptyset(&mask);
	fake_returns({ 6, 0 });
	assert_int_equal(epoll_create(1), 6);
	assert_int_equal(epoll_create1(0), 6);
	assert_int_equal(eventfd(0, 0), 6);
	assert_log("real.epoll_create; made 6; real.epoll_create1; made 6; real.eventfd; made 6");
	assert_int_equal(timerfd_create(CLOCK_MONOTONIC, 0), 6);
	assert_int_equal(inotify_init(), 6);
	assert_int_equal(inotify_init1(0), 6);
	assert_log("real.timerfd_create; made 6; real.inotify_init; made 6; real.inotify_init1; made 6");
	assert_int_equal(signalfd(-1, &mask, 0), 6);
	assert_log("real.signalfd; made 6");
	assert_int_equal(signalfd(6, &mask, 0), 6);
	assert_log("real.signalfd");
	assert_int_equal(errno, 0);
	fake_returns({ -1, EMFILE });
	assert_int_equal(eventfd(0, 0), -1);
	assert_int_equal(errno, EMFILE);
	assert_log("real.eventfd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hook_test(close_forgets_first),
		hook_test(close_of_the_unknown_is_just_close),
		hook_test(close_in_a_handler_gives_the_connection_up),
		hook_test(fclose_forgets_the_descriptor_below),
		hook_test(close_range_closes_unless_it_only_marks),
		hook_test(closefrom_closes_all_above),
		hook_test(a_duplicate_is_the_same_stream),
		hook_test(dup2_replaces_what_was_there),
		hook_test(dup2_that_changes_nothing_says_nothing),
		hook_test(fcntl_duplicates),
		hook_test(pipes_are_reported),
		hook_test(what_is_made_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
