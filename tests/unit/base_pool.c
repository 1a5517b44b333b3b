/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools: what a handle names and for how long, growth and its bound, and four threads that take,
 * hold and drop at random: no object may ever be given to two of them, no stale handle may read as
 * alive.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pool.h"

struct thing {
	struct pool_object object;
	_Atomic uint32_t taken;
	uint64_t value;
	uint64_t again; /* always the same as `value` while the thing is alive */
};

static _Atomic uint32_t retired;

static void retire(void *object)
{
	struct thing *thing = object;

	atomic_fetch_add(&retired, 1);
	thing->value = thing->again = 0;
}

static void test_handles(void **state)
{
	static struct pool pool = POOL_OF(struct thing, 8, retire);
	struct thing *thing = pool_take(&pool), *again;
	uint64_t handle = pool_handle(thing), fresh;
	uint32_t before = retired;

	(void)state;
	assert_int_equal(thing->value, 0);
	assert_true(handle >= 1ull << 32);
	assert_true(pool_alive(&pool, handle));
	assert_true(pool_names(thing, handle));
	assert_ptr_equal(pool_hold(&pool, handle), thing);
	assert_int_equal(pool_handle(thing), handle);
	pool_share(thing);
	assert_false(pool_drop(&pool, thing));
	assert_false(pool_drop(&pool, thing));
	assert_int_equal(retired, before);
	thing->value = 7;
	assert_true(pool_drop(&pool, thing));
	assert_int_equal(retired, before + 1);

	assert_false(pool_alive(&pool, handle));
	assert_false(pool_names(thing, handle));
	assert_null(pool_hold(&pool, handle));
	assert_ptr_equal(pool_peek(&pool, handle), thing);

	again = pool_take(&pool);
	fresh = pool_handle(again);
	assert_ptr_equal(again, thing);
	assert_int_equal(again->value, 0);
	assert_true(fresh > handle);
	assert_null(pool_hold(&pool, handle));
	assert_false(pool_alive(&pool, handle));
	assert_true(pool_alive(&pool, fresh));
	assert_true(pool_drop(&pool, again));
	assert_int_equal(retired, before + 2);
}

/* Numbers that were never handles of this pool. */
static void test_no_handles(void **state)
{
	static struct pool pool = POOL_OF(struct thing, 8, NULL);
	static const uint64_t wrong[] = {
		0,
		1,
		2,
		7,
		1ull << 32 | 1,
		1ull << 32 | 8,
		1ull << 32 | 8 * POOL_CHUNKS,
		1ull << 32 | UINT32_MAX,
		UINT64_MAX,
		2ull << 32,
		(uint64_t)UINT32_MAX << 32,
	};
	struct thing *thing;

	(void)state;
	assert_null(pool_peek(&pool, 1ull << 32));
	thing = pool_take(&pool);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_null(pool_hold(&pool, wrong[i]));
		assert_false(pool_alive(&pool, wrong[i]));
	}
	assert_null(pool_peek(&pool, 0));
	pool_drop(&pool, thing);
	/* free again: its own number with no generation, and with the one that comes next */
	assert_null(pool_hold(&pool, thing->object.index));
	assert_null(pool_hold(&pool, 2ull << 32 | thing->object.index));
}

/* After 2^32 lives a generation is never 0: 0 is no handle, and small numbers mean other things. */
static void test_generations_wrap(void **state)
{
	static struct pool pool = POOL_OF(struct thing, 8, NULL);
	struct thing *thing = pool_take(&pool);
	uint64_t last = (uint64_t)UINT32_MAX << 32 | thing->object.index;

	(void)state;
	atomic_store(&thing->object.life, (uint64_t)UINT32_MAX << 32 | 1);
	assert_int_equal(pool_handle(thing), last);
	assert_true(pool_drop(&pool, thing));
	assert_null(pool_hold(&pool, last));
	assert_ptr_equal(pool_take(&pool), thing);
	assert_int_equal(pool_handle(thing), 1ull << 32 | thing->object.index);
}

#define PER_CHUNK 5
#define ALL       (PER_CHUNK * POOL_CHUNKS)

static void test_growth(void **state)
{
	static struct pool pool = POOL_OF(struct thing, PER_CHUNK, NULL);
	struct thing *all[ALL];
	uint64_t handle[ALL];

	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		all[i] = pool_take(&pool);
		assert_non_null(all[i]);
		assert_int_equal(all[i]->value | all[i]->again, 0);
		all[i]->value = all[i]->again = i + 1;
		handle[i] = pool_handle(all[i]);
		assert_int_equal(!!pool.chunk[i / PER_CHUNK], 1);
		assert_true(i / PER_CHUNK + 1 == POOL_CHUNKS || !pool.chunk[i / PER_CHUNK + 1]);
	}
	assert_null(pool_take(&pool));
	for (size_t i = 0; i < ALL; i++) {
		assert_int_equal(all[i]->value, i + 1);
		assert_int_equal(all[i]->again, i + 1);
		assert_ptr_equal(pool_hold(&pool, handle[i]), all[i]);
		assert_false(pool_drop(&pool, all[i]));
	}
	for (size_t i = 0; i < ALL; i++)
		assert_true(pool_drop(&pool, all[i]));
	for (size_t i = 0; i < ALL; i++)
		assert_non_null(pool_take(&pool));
	assert_null(pool_take(&pool));
	assert_int_equal(pool.fresh, ALL);
}

/* Sealed for the rest of a process's life: what was mapped is used, no more is. */
static int sealed_child(void)
{
	static struct pool pool = POOL_OF(struct thing, PER_CHUNK, NULL);
	struct thing *first = pool_take(&pool);
	unsigned int had = 0;

	pool_seal();
	pool_drop(&pool, first);
	while (pool_take(&pool))
		had++;
	return had != PER_CHUNK || pool.chunk[1];
}

static void test_seal(void **state)
{
	pid_t pid = fork();
	int status = 1;

	(void)state;
	if (!pid)
		_exit(sealed_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS  100000
#define SLOTS   64
#define MINE    16

static struct pool shared = POOL_OF(struct thing, 16, retire);
static _Atomic uint64_t slots[SLOTS];
static _Atomic uint64_t next_value = 1;
static _Atomic uint32_t taken, stale;

/* In a thread a failed assertion can only end the process. */
#define CHECK(ok)                                                                \
	do {                                                                     \
		if (!(ok)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #ok); \
			abort();                                                 \
		}                                                                \
	} while (0)

static uint32_t pick(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33) % below;
}

static struct thing *take_one(void)
{
	struct thing *thing = pool_take(&shared);

	if (!thing)
		return NULL;
	CHECK(atomic_exchange(&thing->taken, 1) == 0);
	thing->value = thing->again = atomic_fetch_add(&next_value, 1);
	atomic_fetch_add(&taken, 1);
	return thing;
}

static void drop_one(struct thing *thing)
{
	uint64_t value = thing->value;

	CHECK(value && value == thing->again);
	pool_drop(&shared, thing);
}

static void retire_shared(void *object)
{
	struct thing *thing = object;

	CHECK(atomic_exchange(&thing->taken, 0) == 1);
	retire(object);
}

/* Looks for what another thread published; it may be gone, it may not be half there. */
static struct thing *hold_one(uint64_t *seed)
{
	uint64_t handle = atomic_load_explicit(&slots[pick(seed, SLOTS)], memory_order_acquire);
	struct thing *thing = pool_hold(&shared, handle);

	if (!thing) {
		atomic_fetch_add(&stale, handle != 0);
		return NULL;
	}
	CHECK(pool_handle(thing) == handle);
	CHECK(pool_alive(&shared, handle) && thing->taken);
	CHECK(thing->value && thing->value == thing->again);
	return thing;
}

static void *worker(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	struct thing *mine[MINE] = {NULL};

	for (int i = 0; i < ROUNDS; i++) {
		struct thing **at = &mine[pick(&seed, MINE)];

		if (*at) {
			drop_one(*at);
			*at = NULL;
		} else if (pick(&seed, 2)) {
			*at = hold_one(&seed);
		} else if ((*at = take_one()) != NULL) {
			atomic_store_explicit(&slots[pick(&seed, SLOTS)], pool_handle(*at),
					      memory_order_release);
		}
	}
	for (int i = 0; i < MINE; i++)
		if (mine[i])
			drop_one(mine[i]);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t thread[THREADS];
	uint32_t before = retired;

	(void)state;
	shared.retire = retire_shared;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, worker, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(retired - before, taken);
	assert_true(taken > ROUNDS / 4);
	assert_true(stale > 0);
	/* nothing leaked: all that was ever made is free, once */
	assert_true(shared.fresh <= THREADS * MINE);
	for (uint32_t i = shared.fresh; i; i--)
		assert_int_equal(atomic_exchange(&((struct thing *)pool_take(&shared))->taken, 1),
				 0);
	assert_int_equal(shared.free & UINT32_MAX, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handles),
		cmocka_unit_test(test_no_handles),
		cmocka_unit_test(test_generations_wrap),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
