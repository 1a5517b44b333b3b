/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of waiting for other threads: carry/ is told before the wait, the arguments are the
 * program's own, and a wait that ends soon is told apart (the stub's clocks: 1700000000 s, the
 * machine up 60 s).
 */
#include "stub_carry.h"

static int set_up(void **state)
{
	stub_setup(state);
	carry_self.current = 1;
	return 0;
}

#define sync_test(function) cmocka_unit_test_setup_teardown(function, set_up, stub_teardown)

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t sem;
static cnd_t cnd;
static mtx_t mtx;

static const struct timespec soon = { 1700000000, 5000000 }, later = { 1700000001, 0 };
static const struct timespec soon_up = { 60, 5000000 }, later_up = { 61, 0 };
static const struct timespec past = { -1, 0 };

static void a_wait_is_told_before_it(void **state)
{
	(void)state;
	assert_int_equal(pthread_cond_wait(&condition, &lock), 0);
	assert_ptr_equal(fake_pointer(0), &condition);
	assert_ptr_equal(fake_pointer(1), &lock);
	assert_log("waiting; real.pthread_cond_wait");
	assert_int_equal(sem_wait(&sem), 0);
	assert_ptr_equal(fake_pointer(0), &sem);
	assert_log("real.sem_getvalue; waiting; real.sem_wait");
	assert_int_equal(cnd_wait(&cnd, &mtx), 0);
	assert_ptr_equal(fake_pointer(1), &mtx);
	assert_log("waiting; real.cnd_wait");
	assert_int_equal(errno, 0);
}

static void a_brief_wait_is_told_apart(void **state)
{
	(void)state;
	fake_returns({ ETIMEDOUT, 0 });
	assert_int_equal(pthread_cond_timedwait(&condition, &lock, &soon), ETIMEDOUT);
	assert_ptr_equal(fake_pointer(2), &soon);
	assert_log("waiting briefly; real.pthread_cond_timedwait");
	assert_int_equal(pthread_cond_timedwait(&condition, &lock, &later), ETIMEDOUT);
	assert_log("waiting; real.pthread_cond_timedwait");
	/* a condition variable with the monotonic clock: the deadline shows it */
	assert_int_equal(pthread_cond_timedwait(&condition, &lock, &soon_up), ETIMEDOUT);
	assert_log("waiting briefly; real.pthread_cond_timedwait");
	assert_int_equal(pthread_cond_timedwait(&condition, &lock, &later_up), ETIMEDOUT);
	assert_log("waiting; real.pthread_cond_timedwait");
	assert_int_equal(pthread_cond_timedwait(&condition, &lock, &past), ETIMEDOUT);
	assert_log("waiting briefly; real.pthread_cond_timedwait");
	assert_int_equal(errno, 0);
}

static void the_clock_is_the_programs(void **state)
{
	(void)state;
	assert_int_equal(pthread_cond_clockwait(&condition, &lock, CLOCK_MONOTONIC, &soon_up), 0);
	assert_int_equal(fake_arg(2), CLOCK_MONOTONIC);
	assert_ptr_equal(fake_pointer(3), &soon_up);
	assert_log("waiting briefly; real.pthread_cond_clockwait");
	assert_int_equal(pthread_cond_clockwait(&condition, &lock, CLOCK_REALTIME, &later), 0);
	assert_log("waiting; real.pthread_cond_clockwait");
	assert_int_equal(sem_clockwait(&sem, CLOCK_MONOTONIC, &later_up), 0);
	assert_int_equal(fake_arg(1), CLOCK_MONOTONIC);
	assert_log("real.sem_getvalue; waiting; real.sem_clockwait");
	assert_int_equal(cnd_timedwait(&cnd, &mtx, &soon), 0);
	assert_log("waiting briefly; real.cnd_timedwait");
	fake_returns({ 0, 0 }, { -1, ETIMEDOUT });
	assert_int_equal(sem_timedwait(&sem, &soon), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_log("real.sem_getvalue; waiting briefly; real.sem_timedwait");
}

static void nothing_to_tell_is_nothing_told(void **state)
{
	(void)state;
	carry_self.current = 0;
	assert_int_equal(pthread_cond_wait(&condition, &lock), 0);
	assert_int_equal(pthread_cond_timedwait(&condition, &lock, &soon), 0);
	assert_int_equal(sem_wait(&sem), 0);
	assert_log("real.pthread_cond_wait; real.pthread_cond_timedwait; real.sem_wait");
	carry_self.current = 1;
	stub_interrupt();
	assert_int_equal(sem_wait(&sem), 0);
	assert_log("real.sem_getvalue; real.sem_wait");
}

static void say_free(const struct fake_call *call)
{
	if (!strcmp(call->name, "sem_getvalue"))
		*(int *)(uintptr_t)call->arg[1] = 1;
}

/* It is taken as a lock then. */
static void a_free_semaphore_is_no_wait(void **state)
{
	int value = 0;

	(void)state;
	fake_during = say_free;
	assert_int_equal(sem_wait(&sem), 0);
	assert_log("real.sem_getvalue; real.sem_wait");
	assert_int_equal(sem_timedwait(&sem, &later), 0);
	assert_int_equal(sem_clockwait(&sem, CLOCK_MONOTONIC, &later), 0);
	assert_log("real.sem_getvalue; real.sem_timedwait; real.sem_getvalue; real.sem_clockwait");
	assert_int_equal(sem_getvalue(&sem, &value), 0);
	assert_int_equal(value, 1);
	assert_log("real.sem_getvalue");
	assert_int_equal(errno, 0);
}

/* The older layout of a condition variable goes to the older function, never to the newer one. */
#define HOOK(ret, name, params, args, version)
#define HOOK_OLD(ret, name, params, args, version, missing, symbol) \
	stub_log[0] = 0;                                            \
	assert_int_equal(name args, 0);                             \
	assert_ptr_equal(fake_pointer(0), cond);                    \
	assert_log("waiting; real." #name);                         \
	stub_teardown(state);                                       \
	assert_ptr_not_equal((void *)real.symbol, (void *)real.name); \
	set_up(state);
static void each_version_has_its_own_function(void **state)
{
	pthread_cond_t *cond = &condition;
	const struct timespec *until = &later;
	pthread_mutex_t *mutex = &lock;

	(void)until, (void)cond, (void)mutex, (void)state;
#include "hooks/hooks.def"
#undef HOOK
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sync_test(a_wait_is_told_before_it),
		sync_test(a_brief_wait_is_told_apart),
		sync_test(the_clock_is_the_programs),
		sync_test(nothing_to_tell_is_nothing_told),
		sync_test(a_free_semaphore_is_no_wait),
		sync_test(each_version_has_its_own_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
