/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of threads, with threads that really run: results, cancellation and pthread_exit() are the
 * program's, and every thread that begins in the trampoline ends there.
 */
#include "stub_carry.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Slots stay fakes but for the creation itself. */
static int set_up(void **state)
{
	stub_teardown(state);
	stub_setup(state);
	real_resolve();
	return 0;
}

#define thread_test(function) cmocka_unit_test_setup_teardown(function, set_up, stub_teardown)

static char object[2];

static void *twice(void *arg)
{
	stub_say("run");
	return (char *)arg + 1;
}

static void a_thread_runs_and_ends_in_the_trampoline(void **state)
{
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, twice, object), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, object + 1);
	assert_log("snapshot; adopt 42; run; exit");
}

static int seven(void *arg)
{
	stub_say("run %s", (const char *)arg);
	return 7;
}

/* ThreadSanitizer knows pthread_create() only: its code crashes in a thread made otherwise. */
#if defined(__SANITIZE_THREAD__)
#define SKIP_C11() skip()
#else
#define SKIP_C11()
#endif

static void a_c11_thread_too(void **state)
{
	char name[] = "c11";
	thrd_t thread;
	int result = 0;

	(void)state;
	SKIP_C11();
	assert_int_equal(thrd_create(&thread, seven, name), thrd_success);
	assert_int_equal(thrd_join(thread, &result), thrd_success);
	assert_int_equal(result, 7);
	assert_log("snapshot; adopt 42; run c11; exit");
}

static void *leave(void *arg)
{
	pthread_exit(arg);
}

static void pthread_exit_passes_the_trampoline(void **state)
{
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, leave, object), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, object);
	assert_log("snapshot; adopt 42; exit");
}

static void note_cleanup(void *arg)
{
	stub_say("%s", (const char *)arg);
}

static void *be_cancelled(void *arg)
{
	static char word[] = "cleanup";

	pthread_cleanup_push(note_cleanup, word);
	pthread_barrier_wait(arg);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancellation_passes_the_trampoline(void **state)
{
	pthread_barrier_t barrier;
	pthread_t thread;
	void *result;

	(void)state;
	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, be_cancelled, &barrier), 0);
	pthread_barrier_wait(&barrier);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, PTHREAD_CANCELED);
	assert_log("snapshot; adopt 42; cleanup; exit");
	pthread_barrier_destroy(&barrier);
}

static int leave_c11(void *arg)
{
	(void)arg;
	thrd_exit(9);
}

static void thrd_exit_passes_the_trampoline(void **state)
{
	thrd_t thread;
	int result = 0;

	(void)state;
	SKIP_C11();
	assert_int_equal(thrd_create(&thread, leave_c11, NULL), thrd_success);
	assert_int_equal(thrd_join(thread, &result), thrd_success);
	assert_int_equal(result, 9);
	assert_log("snapshot; adopt 42; exit");
}

static void a_thread_that_is_not_made_is_dropped(void **state)
{
	pthread_t thread;
	thrd_t c11;

	stub_setup(state);
	for (int i = 0; i < 300; i++) {
		fake_returns({ EAGAIN, 0 });
		assert_int_equal(pthread_create(&thread, NULL, twice, NULL), EAGAIN);
		assert_log("snapshot; real.pthread_create; dropped 42");
		assert_int_equal(errno, 0);
	}
	fake_returns({ thrd_nomem, 0 });
	assert_int_equal(thrd_create(&c11, seven, NULL), thrd_nomem);
	assert_log("snapshot; real.thrd_create; dropped 42");
}

static void attributes_and_the_result_pass(void **state)
{
	pthread_attr_t attr;
	pthread_t thread;

	stub_setup(state);
	assert_int_equal(pthread_create(&thread, &attr, twice, NULL), 0);
	assert_ptr_equal(fake_pointer(0), &thread);
	assert_ptr_equal(fake_pointer(1), &attr);
	assert_log("snapshot; real.pthread_create");
}

static void off_or_inside_a_thread_inherits_nothing(void **state)
{
	pthread_t thread;

	stub_setup(state);
	carry_state = CARRY_OFF;
	assert_int_equal(pthread_create(&thread, NULL, twice, object), 0);
	assert_ptr_equal(fake_pointer(2), (void *)twice);
	assert_ptr_equal(fake_pointer(3), object);
	assert_log("real.pthread_create");
}

static int once_seen;

static void see_once(void)
{
	once_seen = (int)carry_self.once;
}

static void what_runs_once_runs_for_nobody(void **state)
{
	pthread_once_t first = PTHREAD_ONCE_INIT, twin = PTHREAD_ONCE_INIT;
	once_flag flag = ONCE_FLAG_INIT;

	(void)state;
	assert_int_equal(pthread_once(&first, see_once), 0);
	assert_int_equal(once_seen, 1);
	once_seen = 0;
	assert_int_equal(pthread_once(&first, see_once), 0);
	assert_int_equal(once_seen, 0);
	assert_int_equal(__pthread_once(&twin, see_once), 0);
	assert_int_equal(once_seen, 1);
	once_seen = 0;
	call_once(&flag, see_once);
	assert_int_equal(once_seen, 1);
	assert_int_equal(carry_self.once, 0);
}

static _Atomic int ran;

static void *count_run(void *arg)
{
	atomic_fetch_add(&ran, (int)(intptr_t)arg);
	return NULL;
}

/* The fake never runs them, so all slots get taken; whoever comes after starts directly. */
static void without_a_slot_a_thread_starts_directly(void **state)
{
	pthread_t thread;
	int direct = 0;

	stub_setup(state);
	for (int i = 0; i < 300; i++) {
		fake_returns({ 0, 0 });
		stub_log[0] = 0;
		assert_int_equal(pthread_create(&thread, NULL, count_run, object), 0);
		direct += fake_pointer(2) == (void *)count_run;
		if (fake_pointer(2) == (void *)count_run) {
			assert_ptr_equal(fake_pointer(3), object);
			assert_log("real.pthread_create");
		}
	}
	assert_in_range(direct, 300 - 256, 300 - 1);
	/* and it still works, of course */
	real_resolve();
	assert_int_equal(pthread_create(&thread, NULL, count_run, (void *)1), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(ran, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		thread_test(a_thread_runs_and_ends_in_the_trampoline),
		thread_test(a_c11_thread_too),
		thread_test(pthread_exit_passes_the_trampoline),
		thread_test(cancellation_passes_the_trampoline),
		thread_test(thrd_exit_passes_the_trampoline),
		thread_test(a_thread_that_is_not_made_is_dropped),
		thread_test(attributes_and_the_result_pass),
		thread_test(off_or_inside_a_thread_inherits_nothing),
		thread_test(what_runs_once_runs_for_nobody),
		/* the last one: it leaves no slot free */
		thread_test(without_a_slot_a_thread_starts_directly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
