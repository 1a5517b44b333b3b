/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/clock.h against the C library's clocks. This program has a clock_gettime of its own that
 * lies, as libfaketime's does: whoever asks libc is off by a year.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define YEAR_NS (365ull * 86400 * 1000000000)

static int lies;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	long ret = syscall(SYS_clock_gettime, clock, ts);

	lies++;
	ts->tv_sec += 365 * 86400;
	return (int)ret;
}

static uint64_t kernel_ns(clockid_t clock)
{
	struct timespec ts;

	assert_int_equal(syscall(SYS_clock_gettime, clock, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void assert_between_reads(clockid_t clock, uint64_t (*read_ns)(void))
{
	for (int i = 0; i < 1000; i++) {
		uint64_t before = kernel_ns(clock);
		uint64_t now = read_ns();
		uint64_t after = kernel_ns(clock);

		assert_in_range(now, before, after);
	}
}

static void clock_is_right_before_init(void **state)
{
	(void)state;
	assert_between_reads(CLOCK_MONOTONIC, clock_monotonic);
	assert_between_reads(CLOCK_REALTIME, clock_realtime);
}

static void clock_is_right_after_init(void **state)
{
	(void)state;
	clock_init();
	clock_init();
	assert_between_reads(CLOCK_MONOTONIC, clock_monotonic);
	assert_between_reads(CLOCK_REALTIME, clock_realtime);
}

static void clock_asks_nobody_who_lies(void **state)
{
	struct timespec ts;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &ts);
	assert_true((uint64_t)ts.tv_sec * 1000000000u > kernel_ns(CLOCK_REALTIME) + YEAR_NS / 2);
	lies = 0;
	clock_init();
	clock_monotonic();
	clock_realtime();
	assert_int_equal(lies, 0);
}

/* The best of many rounds, in picoseconds per read. */
static uint64_t best_price(void (*read_once)(void))
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < 30; round++) {
		uint64_t start = kernel_ns(CLOCK_MONOTONIC), end;

		for (int i = 0; i < 1000; i++)
			read_once();
		end = kernel_ns(CLOCK_MONOTONIC);
		best = end - start < best ? end - start : best;
	}
	return best;
}

static int (*libc_clock_gettime)(clockid_t clock, struct timespec *ts);

static void read_ours(void)
{
	clock_monotonic();
}

static void read_libc(void)
{
	struct timespec ts;

	libc_clock_gettime(CLOCK_MONOTONIC, &ts);
}

/* libc reads the vDSO where there is one: we must find it too, not fall back to system calls. */
static void clock_is_as_fast_as_libc(void **state)
{
	void *symbol = dlsym(RTLD_NEXT, "clock_gettime");
	uint64_t ours, libc;

	(void)state;
	assert_non_null(symbol);
	memcpy(&libc_clock_gettime, &symbol, sizeof(symbol));
	clock_init();
	ours = best_price(read_ours);
	libc = best_price(read_libc);
	print_message("ns per read: libc %d, ours %d\n", (int)(libc / 1000), (int)(ours / 1000));
	assert_true(ours <= libc * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_is_right_before_init),
		cmocka_unit_test(clock_is_right_after_init),
		cmocka_unit_test(clock_asks_nobody_who_lies),
		cmocka_unit_test(clock_is_as_fast_as_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
