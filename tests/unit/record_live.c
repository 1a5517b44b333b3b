/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what is being written: peeking at a flight recorder, peeking while another process
 * drains, and who counts as alive.
 */
#include <signal.h>
#include <sys/prctl.h>

#include "record_harness.h"

#define SEGMENTS(n) (RING_HEADER_SIZE + (n) * RING_SEGMENT_SIZE)

static struct help_bitmap map;
static pid_t drainer_pid;

static int keep_draining(void)
{
	struct help_seen *seen = calloc(1, sizeof(*seen));
	struct reader *r;

	if (reader_open(&r, help_dir, READER_DRAIN | READER_KEEP) != 0)
		return 1;
	for (;;) {
		if (reader_drain(r, false, help_sink, seen) < 0)
			return 2;
		usleep(500);
	}
}

static int keep_writing(void)
{
	struct ring_writer w[3] = { { 0 } };
	uint64_t number[3] = { 0 };

	if (help_open(SEGMENTS(6)) != 0)
		return 1;
	for (int i = 0;; i = (i + 1) % 3) {
		if (number[i] == HELP_NUMBERS)
			pause();
		if (help_write(&w[i], (uint64_t)i, number[i], 0))
			number[i]++;
		if (drainer_pid && number[i] % 64 == 0)
			usleep(50);
	}
}

static pid_t start(int (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		/* A test that fails leaves nobody behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(body());
	}
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Nobody drains: old records are overwritten while we copy them. */
static void peeking_at_a_flight_recorder(void **state)
{
	struct reader *r = help_reader(READER_PEEK);
	uint64_t until = clock_monotonic() + 700000000u, peeks = 0;
	struct reader_stats stats;
	pid_t writer = start(keep_writing);

	(void)state;
	usleep(50000);
	while (clock_monotonic() < until || peeks < 6) {
		memset(&map, 0, sizeof(map));
		assert_true(reader_peek(r, help_bitmap_sink, &map) >= 0);
		assert_int_equal(map.torn, 0);
		assert_int_equal(map.doubled, 0);
		peeks++;
	}
	stop(writer);
	reader_stats(r, &stats);
	assert_int_equal(stats.damaged, 0);
	print_message("%d records in %d looks\n", (int)stats.records, (int)peeks);
	assert_true(stats.records / peeks > 100);
	reader_close(r);
}

/* Records move from ring to spool while we read: none twice, none missing. */
static void peeking_while_others_drain_and_write(void **state)
{
	struct reader *r = help_reader(READER_PEEK);
	uint64_t until = clock_monotonic() + 1500000000u, last = 0;
	pid_t writer;

	(void)state;
	drainer_pid = start(keep_draining);
	usleep(50000);
	writer = start(keep_writing);
	while (clock_monotonic() < until) {
		memset(&map, 0, sizeof(map));
		assert_true(reader_peek(r, help_bitmap_sink, &map) >= 0);
		assert_int_equal(map.torn, 0);
		assert_int_equal(map.doubled, 0);
		/*
		 * The newest of one thread may be in a segment that was read before; nothing else
		 * may lack.
		 */
		assert_true(help_bitmap_gaps(&map) <= 3 * RING_DATA_SIZE / 40);
		assert_true(map.records >= last);
		last = map.records;
	}
	stop(writer);
	memset(&map, 0, sizeof(map));
	reader_peek(r, help_bitmap_sink, &map);
	stop(drainer_pid);
	drainer_pid = 0;
	assert_int_equal(map.torn + map.doubled + help_bitmap_gaps(&map), 0);
	assert_true(map.records > 1000);
	reader_close(r);
}

/* ---- processes ---- */

static int check_alive(void *arg, const struct reader_source *source)
{
	bool *alive = arg;

	*alive = reader_alive(source);
	return 0;
}

static int stay(void)
{
	if (help_open(SEGMENTS(1)) != 0)
		return 1;
	for (;;)
		pause();
}

static void who_is_alive(void **state)
{
	struct reader *r = help_reader(READER_PEEK);
	struct ring_header header = { 0 };
	struct reader_source source = { &header, "x" };
	bool alive = false;
	pid_t pid;

	(void)state;
	pid = start(stay);
	while (help_count_files(RING_SUFFIX) == 0)
		usleep(1000);
	usleep(20000);
	assert_int_equal(reader_sources(r, check_alive, &alive), 1);
	assert_true(alive);
	/* A zombie writes no more. */
	kill(pid, SIGKILL);
	usleep(20000);
	assert_int_equal(reader_sources(r, check_alive, &alive), 1);
	assert_false(alive);
	waitpid(pid, NULL, 0);
	assert_int_equal(reader_sources(r, check_alive, &alive), 1);
	assert_false(alive);
	reader_close(r);
	/*
	 * Our pid, but a ring of before we were born; and pids that mean something else to
	 * kill().
	 */
	header.pid = (uint32_t)getpid();
	header.start_monotonic_ns = clock_monotonic();
	assert_true(reader_alive(&source));
	header.start_monotonic_ns -= 3600ull * 1000000000;
	assert_false(reader_alive(&source));
	header.pid = 0;
	assert_false(reader_alive(&source));
	header.pid = (uint32_t)-1;
	assert_false(reader_alive(&source));
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(peeking_at_a_flight_recorder),
		T(peeking_while_others_drain_and_write),
		T(who_is_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
