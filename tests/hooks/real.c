/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub table: calls that come before the constructor, functions that this libc does not have,
 * and that every row finds its own function.
 */
#include "stub_carry.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* As the loader leaves it: every slot a stub. */
static struct real at_start;

static int count_slots(const struct real *a, const struct real *b)
{
	int same = 0;

#define HOOK(ret, name, params, args, version) same += (void *)a->name == (void *)b->name;
#include "hooks/hooks.def"
#undef HOOK
	return same;
}

static int libc_only(void **state)
{
	(void)state;
	carry_state = CARRY_OFF;
	real = at_start;
	return 0;
}

static void no_slot_is_null(void **state)
{
	struct real null;

	(void)state;
	memset(&null, 0, sizeof(null));
	assert_int_equal(count_slots(&at_start, &null), 0);
}

static void a_stub_resolves_itself_and_forwards(void **state)
{
	int fd;

	(void)state;
	errno = EHWPOISON;
	fd = eventfd(0, 0);
	assert_true(fd >= 0);
	assert_int_equal(errno, EHWPOISON);
	assert_ptr_equal((void *)real.eventfd, dlsym(RTLD_NEXT, "eventfd"));
	assert_ptr_equal((void *)real.close, (void *)at_start.close);
	assert_int_equal(close(fd), 0);
	assert_ptr_not_equal((void *)real.close, (void *)at_start.close);
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EBADF);
}

static void resolving_leaves_no_stub(void **state)
{
	(void)state;
	errno = EHWPOISON;
	real_resolve();
	assert_int_equal(errno, EHWPOISON);
	assert_int_equal(count_slots(&at_start, &real), 0);
	assert_null(dlerror());
}

static __attribute__((noinline)) pid_t fork_and_exit(bool twin, int code)
{
	pid_t pid = twin ? __vfork() : vfork();

	if (pid == 0)
		_exit(code);
	return pid;
}

/* ---- every row has its function ---- */

static void *(*found)(const char *symbol, const char *version);

/* Younger than the oldest libc that we run on. */
static bool may_be_missing(const char *symbol)
{
	return !strcmp(symbol, "closefrom") || !strcmp(symbol, "close_range") ||
	       !strcmp(symbol, "epoll_pwait2");
}

static void *find_or_fail(const char *symbol, const char *version)
{
	void *at = found(symbol, version);

	if (!at && !may_be_missing(symbol))
		fail_msg("%s is not to be found", symbol);
	return at;
}

static void every_row_has_its_function(void **state)
{
	(void)state;
	found = real_find;
	real_find = find_or_fail;
	real_resolve();
	real_find = found;
}

/* The child of a vfork stub runs on this frame; if the stub kept one of its own, this would not return. */
static void the_stub_of_vfork_keeps_no_frame(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	for (int i = 0; i < 3; i++) {
		pid = fork_and_exit(i == 0, 40 + i);
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), 40 + i);
	}
}

static long (*volatile plain_syscall)(long number, ...) = (void *)syscall;

static void the_stub_of_syscall_passes_all_arguments(void **state)
{
	char out[2] = { 0 };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(plain_syscall(SYS_write, fds[1], "ab", 2), 2);
	assert_int_equal(plain_syscall(SYS_read, fds[0], out, 2), 2);
	assert_memory_equal(out, "ab", 2);
	close(fds[0]);
	close(fds[1]);
}

/* ---- a libc that has nothing ---- */

static void *find_nothing(const char *symbol, const char *version)
{
	(void)symbol, (void)version;
	return NULL;
}

static int no_libc(void **state)
{
	libc_only(state);
	found = real_find;
	real_find = find_nothing;
	return 0;
}

static int libc_again(void **state)
{
	(void)state;
	real_find = found;
	real_resolve();
	return 0;
}

static void *never(void *arg)
{
	return arg;
}

static void a_missing_function_says_so(void **state)
{
	struct epoll_event event;
	pthread_t thread;
	thrd_t c11;

	(void)state;
	errno = 0;
	assert_int_equal(epoll_pwait2(1, &event, 1, NULL, NULL), -1);
	assert_int_equal(errno, ENOSYS);
	errno = 0;
	assert_true(preadv64v2(0, NULL, 0, -1, 0) == -1);
	assert_int_equal(errno, ENOSYS);
	errno = 0;
	assert_true(vfork() == -1);
	assert_int_equal(errno, ENOSYS);
	errno = 0;
	assert_true(plain_syscall(SYS_getpid) == -1);
	assert_int_equal(errno, ENOSYS);
	errno = 0;
	assert_int_equal(pthread_create(&thread, NULL, never, NULL), ENOSYS);
	assert_int_equal(thrd_create(&c11, NULL, NULL), thrd_error);
	assert_int_equal(errno, 0);
}

/* In a child, because it closes everything. */
static void a_missing_closefrom_is_replaced(void **state)
{
	int status, low, high;
	pid_t pid;

	(void)state;
	real_find = found;
	real_resolve();
	low = dup(0);
	high = fcntl(0, F_DUPFD, 200);
	real.closefrom = at_start.closefrom;
	real_find = find_nothing;
	pid = fork();
	if (pid == 0) {
		closefrom(low + 1);
		_exit(fcntl(low, F_GETFD, 0) >= 0 && fcntl(high, F_GETFD, 0) == -1 ? 42 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 42);
	close(low);
	close(high);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_slot_is_null, libc_only, NULL),
		cmocka_unit_test_setup_teardown(a_stub_resolves_itself_and_forwards, libc_only, NULL),
		cmocka_unit_test_setup_teardown(resolving_leaves_no_stub, libc_only, NULL),
		cmocka_unit_test_setup_teardown(every_row_has_its_function, libc_only, NULL),
		cmocka_unit_test_setup_teardown(the_stub_of_vfork_keeps_no_frame, libc_only, NULL),
		cmocka_unit_test_setup_teardown(the_stub_of_syscall_passes_all_arguments, libc_only, NULL),
		cmocka_unit_test_setup_teardown(a_missing_function_says_so, no_libc, libc_again),
		cmocka_unit_test_setup_teardown(a_missing_closefrom_is_replaced, no_libc, libc_again),
	};

	at_start = real;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
