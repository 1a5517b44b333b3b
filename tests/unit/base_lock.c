/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded spin lock: one holder at a time, given up in time when the holder stays, taken over
 * when the holder is a thread of another process generation.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/lock.h"

#define THREADS 4
#define ROUNDS  50000

static struct lock lock;
static uint64_t counter; /* guarded by the lock */
static _Atomic int inside;
static _Atomic uint32_t overlaps, stale;

static void *count_up(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS;) {
		enum lock_result result = lock_take(&lock);

		/* a holder that lost its processor for long: step aside, as every caller must be
		 * able to */
		if (result == LOCK_BUSY)
			continue;
		stale += result == LOCK_STALE;
		overlaps += atomic_fetch_add(&inside, 1) != 0;
		counter++;
		atomic_fetch_sub(&inside, 1);
		lock_drop(&lock);
		i++;
	}
	return NULL;
}

static void test_exclusion(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, count_up, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(counter, (uint64_t)THREADS * ROUNDS);
	assert_int_equal(overlaps, 0);
	assert_int_equal(stale, 0);
	assert_int_equal(lock.holder, 0);
}

static void test_not_held(void **state)
{
	struct lock own = {0};

	(void)state;
	assert_int_equal(lock_take(&own), LOCK_TAKEN);
	assert_int_equal(own.holder, lock_generation);
	lock_drop(&own);
	assert_int_equal(own.holder, 0);
	assert_int_equal(lock_take(&own), LOCK_TAKEN);
	lock_drop(&own);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A holder of this generation that stays: not for ever, and the lock stays its holder's. */
static void test_busy(void **state)
{
	struct lock own = {.holder = lock_generation};
	uint64_t start = now_ms();

	(void)state;
	assert_int_equal(lock_take(&own), LOCK_BUSY);
	assert_true(now_ms() - start < 5000);
	assert_int_equal(own.holder, lock_generation);
	/* nothing is left behind by the vain attempt: debug builds count what a thread holds */
	assert_int_equal(lock_take(&lock), LOCK_TAKEN);
	lock_drop(&lock);
}

static void test_stale(void **state)
{
	struct lock own = {.holder = lock_generation + 2};

	(void)state;
	assert_int_equal(lock_take(&own), LOCK_STALE);
	assert_int_equal(own.holder, lock_generation);
	lock_drop(&own);
	assert_int_equal(lock_take(&own), LOCK_TAKEN);
	lock_drop(&own);
}

static _Atomic int stage;

static void *hold_for_long(void *arg)
{
	struct lock *own = arg;

	if (lock_take(own) != LOCK_TAKEN)
		return arg;
	stage = 1;
	while (stage != 2)
		usleep(1000);
	lock_drop(own);
	return NULL;
}

/* The parent's thread holds it; in the child of a fork that thread does not exist. */
static void test_fork(void **state)
{
	static struct lock own;
	pthread_t thread;
	int status = 1;
	pid_t pid;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, hold_for_long, &own), 0);
	while (stage != 1)
		usleep(1000);
	pid = fork();
	if (!pid) {
		enum lock_result before = lock_take(&own), after;

		lock_generation += 2;
		after = lock_take(&own);
		_exit(before != LOCK_BUSY || after != LOCK_STALE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(lock_take(&own), LOCK_BUSY);
	stage = 2;
	pthread_join(thread, NULL);
	assert_int_equal(lock_take(&own), LOCK_TAKEN);
	lock_drop(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_held), cmocka_unit_test(test_exclusion),
		cmocka_unit_test(test_busy),     cmocka_unit_test(test_stale),
		cmocka_unit_test(test_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
