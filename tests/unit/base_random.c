/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random ids: the generator against its published sequence, never all zero, and never the same
 * twice, however alike two owners began: reseeded, in two threads, in two processes.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"

/* xoshiro256** from the state 1, 2, 3, 4. */
static void test_sequence(void **state)
{
	static const uint64_t expect[] = {
		11520,
		0,
		1509978240,
		1215971899390074240,
		1216172134540287360,
		607988272756665600,
		16172922978634559625u,
		8476171486693032832,
		10595114339597558777u,
		2904607092377533576,
	};
	struct random r = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++)
		assert_true(random_next(&r) == expect[i]);
}

/* The second number of this state is 0: an id must not be. */
static void test_never_zero(void **state)
{
	struct random r = {{1, 2, 3, 4}}, first = {{1, 0, 1, 1}};
	uint64_t id;

	(void)state;
	random_next(&r);
	random_bytes(&r, &id, sizeof(id));
	assert_true(id == 1509978240);
	random_bytes(&first, &id, sizeof(id));
	assert_true(id != 0);
}

/* Half of a long id may be zero. */
static void test_half_zero(void **state)
{
	struct random r = {{1, 2, 3, 4}};
	uint64_t id[2];

	(void)state;
	random_bytes(&r, id, sizeof(id));
	assert_true(id[0] == 11520 && id[1] == 0);
}

static void test_length(void **state)
{
	struct random r = {{1, 2, 3, 4}};
	uint8_t room[32];

	(void)state;
	memset(room, 0xa5, sizeof(room));
	random_bytes(&r, room + 8, 16);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(room[i], 0xa5);
		assert_int_equal(room[24 + i], 0xa5);
	}
}

/* Every bit is set about half the time. */
static void test_bits(void **state)
{
	struct random r = {{0}};
	uint32_t set[64] = {0};

	(void)state;
	random_seed(&r, 0, true);
	for (int i = 0; i < 10000; i++) {
		uint64_t x = random_next(&r);

		for (int bit = 0; bit < 64; bit++)
			set[bit] += x >> bit & 1;
	}
	for (int bit = 0; bit < 64; bit++)
		assert_in_range(set[bit], 4600, 5400);
}

/* With and without the kernel's help; the salt, the clocks and the old state all count. */
static void test_reseed(void **state)
{
	uint64_t seen[2][64];

	(void)state;
	for (int call = 0; call < 2; call++) {
		struct random r = {{0}};

		for (int i = 0; i < 64; i++) {
			random_seed(&r, 0, call != 0);
			assert_true(r.state[0] | r.state[1] | r.state[2] | r.state[3]);
			seen[call][i] = random_next(&r);
			for (int k = 0; k < i; k++)
				assert_true(seen[call][k] != seen[call][i]);
		}
	}
}

static void *thread_first(void *arg)
{
	static __thread struct random r;

	random_seed(&r, 1, *(bool *)arg);
	random_bytes(&r, arg, 8);
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	for (int call = 0; call < 2; call++) {
		union {
			bool may_call;
			uint64_t first;
		} a = {.may_call = call}, b = {.may_call = call};
		pthread_t thread[2];

		assert_int_equal(pthread_create(&thread[0], NULL, thread_first, &a), 0);
		assert_int_equal(pthread_create(&thread[1], NULL, thread_first, &b), 0);
		pthread_join(thread[0], NULL);
		pthread_join(thread[1], NULL);
		assert_true(a.first != b.first);
	}
}

/* Both sides of a fork begin with one state at one address, at the same moment: reseeding parts
 * them. */
static uint64_t child_number(struct random *r, uint64_t salt, bool reseed)
{
	uint64_t x = 0;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		if (reseed)
			random_seed(r, salt, false);
		x = random_next(r);
		_exit(write(ends[1], &x, sizeof(x)) != sizeof(x));
	}
	assert_int_equal(read(ends[0], &x, sizeof(x)), sizeof(x));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	close(ends[1]);
	return x;
}

static void test_forks(void **state)
{
	struct random r = {{1, 2, 3, 4}};
	uint64_t a = child_number(&r, 1, true), b = child_number(&r, 2, true);

	(void)state;
	/* the danger is real: without a new seed both say the same */
	assert_true(child_number(&r, 1, false) == child_number(&r, 2, false));
	assert_true(a != b);
	assert_true(a != random_next(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence),  cmocka_unit_test(test_never_zero),
		cmocka_unit_test(test_half_zero), cmocka_unit_test(test_length),
		cmocka_unit_test(test_bits),      cmocka_unit_test(test_reseed),
		cmocka_unit_test(test_threads),   cmocka_unit_test(test_forks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
