/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of the process: vfork keeps the stack, a seccomp filter seals the agent before it is there,
 * and system calls by number are seen where they concern what is watched.
 */
#include "stub_carry.h"

#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FD 5

/* As programs call them: variadic, with as many arguments as there are. */
static long (*volatile plain_syscall)(long number, ...) = (void *)syscall;
static int (*volatile plain_prctl)(int option, ...) = (void *)prctl;

static int set_up(void **state)
{
	stub_setup(state);
	stub_watch(FD, 7);
	fake_returns({ 3, 0 });
	return 0;
}

#define process_test(function) cmocka_unit_test_setup_teardown(function, set_up, stub_teardown)

static void vfork_is_told_before(void **state)
{
	(void)state;
	assert_true(vfork() == 3);
	assert_log("vfork; real.vfork");
	assert_true(__vfork() == 3);
	assert_log("vfork; real.__vfork");
	fake_returns({ -1, EAGAIN });
	assert_true(vfork() == -1);
	assert_int_equal(errno, EAGAIN);
	carry_state = CARRY_OFF;
	stub_log[0] = 0;
	assert_true(vfork() == -1);
	assert_log("real.vfork");
}

/* The child writes all over the stack below the caller, as exec's search along PATH does. */
static __attribute__((noinline)) int overwrite(int seed)
{
	volatile char below[4096];

	for (size_t i = 0; i < sizeof(below); i++)
		below[i] = (char)(seed + (int)i);
	return below[7];
}

static __attribute__((noinline)) pid_t fork_and_overwrite(bool twin, int seed)
{
	pid_t pid = twin ? __vfork() : vfork();

	if (pid == 0)
		_exit(overwrite(seed) == (char)(seed + 7) ? 42 : 1);
	return pid;
}

static void a_vfork_child_may_use_the_stack(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	real_resolve();
	for (int i = 0; i < 100; i++) {
		pid = fork_and_overwrite(i & 1, i);
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), 42);
	}
}

static void a_filter_seals_before_it_is_there(void **state)
{
	struct { unsigned short len; void *filter; } program = { 0, NULL };

	(void)state;
	fake_returns({ 0, 0 });
	assert_int_equal(plain_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	assert_ptr_equal(fake_pointer(2), &program);
	assert_log("seal; real.prctl");
	assert_int_equal(plain_prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), 0);
	assert_log("stop; real.prctl");
	assert_int_equal(plain_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
	assert_ptr_equal(fake_pointer(3), &program);
	assert_log("seal; real.syscall");
	assert_int_equal(plain_syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL), 0);
	assert_log("stop; real.syscall");
	assert_int_equal(plain_prctl(PR_SET_TSC, PR_TSC_SIGSEGV), 0);
	assert_log("stop; real.prctl");
	assert_int_equal(plain_prctl(PR_SET_TSC, PR_TSC_ENABLE), 0);
	assert_log("real.prctl");
	assert_int_equal(errno, 0);
}

static void asking_for_filters_seals_nothing(void **state)
{
	(void)state;
	fake_returns({ -1, EFAULT });
	assert_int_equal(plain_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(plain_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL), -1);
	assert_int_equal(plain_syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &errno), -1);
	assert_log("real.prctl; real.syscall; real.syscall");
	assert_int_equal(plain_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), -1);
	assert_int_equal(plain_prctl(PR_SET_NAME, "x"), -1);
	assert_log("real.prctl; real.prctl");
	carry_state = CARRY_OFF;
	assert_int_equal(plain_prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), -1);
	assert_log("real.prctl");
}

static void a_call_that_nobody_looks_at_passes_whole(void **state)
{
	(void)state;
	assert_int_equal(plain_syscall(SYS_futex, 1L, 2L, 3L, 4L, 5L, 6L), 3);
	assert_int_equal(fake_arg(0), SYS_futex);
	for (int i = 1; i <= 6; i++)
		assert_int_equal(fake_arg(i), i);
	assert_log("real.syscall");
}

static void a_call_that_is_looked_at_passes_whole(void **state)
{
	(void)state;
	assert_int_equal(plain_syscall(SYS_sendto, 1L, 2L, 3L, 4L, 5L, 6L), 3);
	assert_int_equal(fake_arg(0), SYS_sendto);
	for (int i = 1; i <= 6; i++)
		assert_int_equal(fake_arg(i), i);
	assert_log("real.syscall");
}

static void bytes_by_number_give_the_connection_up(void **state)
{
	static const long numbers[] = {
		SYS_read, SYS_readv, SYS_preadv2, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg,
		SYS_write, SYS_writev, SYS_pwritev2, SYS_sendto, SYS_sendmsg, SYS_sendmmsg,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		fake_count = 0;
		assert_int_equal(plain_syscall(numbers[i], FD, "abc", 3), 3);
		assert_log("real.syscall; missed 7");
	}
	assert_int_equal(plain_syscall(SYS_sendfile, FD, 9, NULL, 3), 3);
	assert_log("real.syscall; missed 7");
	assert_int_equal(plain_syscall(SYS_splice, 9, NULL, FD, NULL, 3, 0), 3);
	assert_log("real.syscall; missed 7");
	assert_int_equal(plain_syscall(SYS_read, 9, "abc", 3), 3);
	assert_log("real.syscall");
	assert_int_equal(errno, 0);
	fake_returns({ -1, EAGAIN });
	assert_int_equal(plain_syscall(SYS_read, FD, "abc", 3), -1);
	assert_int_equal(errno, EAGAIN);
	assert_log("real.syscall");
}

static void descriptors_by_number_are_followed(void **state)
{
	(void)state;
	assert_int_equal(plain_syscall(SYS_dup, FD), 3);
	assert_log("real.syscall; duplicated 5 to 3");
	assert_int_equal(plain_syscall(SYS_dup3, FD, 3, 0), 3);
	assert_log("real.syscall; closing 3; duplicated 5 to 3");
	assert_int_equal(plain_syscall(SYS_fcntl, FD, F_DUPFD, 0), 3);
	assert_log("real.syscall; duplicated 5 to 3");
	assert_int_equal(plain_syscall(SYS_fcntl, FD, F_GETFD), 3);
	assert_log("real.syscall");
	assert_int_equal(plain_syscall(SYS_close, FD), 3);
	assert_log("closing 5; real.syscall");
	assert_int_equal(plain_syscall(SYS_close_range, 3u, 9u, 0), 3);
	assert_log("closing 3 to 9; real.syscall");
	assert_int_equal(plain_syscall(SYS_close_range, 3u, 9u, CLOSE_RANGE_CLOEXEC), 3);
	assert_log("real.syscall");
	assert_int_equal(errno, 0);
}

static void without_the_guard_or_the_agent_it_is_just_a_call(void **state)
{
	(void)state;
	carry_state = CARRY_OFF;
	assert_int_equal(plain_syscall(SYS_read, FD, "abc", 3), 3);
	assert_int_equal(plain_syscall(SYS_dup, FD), 3);
	assert_log("real.syscall; real.syscall");
	carry_state = CARRY_ON;
	stub_interrupt();
	assert_int_equal(plain_syscall(SYS_close, FD), 3);
	assert_log("missed 7; real.syscall");
	assert_int_equal(plain_syscall(SYS_write, FD, "abc", 3), 3);
	assert_log("real.syscall; missed 7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		process_test(vfork_is_told_before),
		process_test(a_vfork_child_may_use_the_stack),
		process_test(a_filter_seals_before_it_is_there),
		process_test(asking_for_filters_seals_nothing),
		process_test(a_call_that_nobody_looks_at_passes_whole),
		process_test(a_call_that_is_looked_at_passes_whole),
		process_test(bytes_by_number_give_the_connection_up),
		process_test(descriptors_by_number_are_followed),
		process_test(without_the_guard_or_the_agent_it_is_just_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
