/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four threads write as fast as they can, a reader drains, and the writer is killed at a random
 * moment, over and over: whatever was committed arrives whole and once, and every gap is a
 * refusal that was counted.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include "record_harness.h"

#define ROUNDS 50
#define THREADS 4

static struct help_bitmap map;
static uint64_t dropped, overwritten, gone;

static void *write_for_ever(void *arg)
{
	struct ring_writer w = { 0 };
	uint64_t thread = (uint64_t)(uintptr_t)arg;

	/* A refused number is not written again: it is a gap, and counted. */
	for (uint64_t i = 0; i < HELP_NUMBERS; i++)
		help_write(&w, thread, i, 0);
	return NULL;
}

static void run_writer(uint32_t size_max)
{
	pthread_t thread;

	if (help_open(size_max) != 0)
		_exit(1);
	for (uintptr_t i = 1; i < THREADS; i++)
		if (pthread_create(&thread, NULL, write_for_ever, (void *)i) != 0)
			_exit(2);
	write_for_ever(NULL);
	for (;;)
		pause();
}

static int note_gone(void *arg, const struct reader_source *source)
{
	(void)arg;
	dropped += reader_counter(source, COUNTER_RING_DROPPED);
	overwritten += reader_counter(source, COUNTER_RING_OVERWRITTEN);
	gone++;
	return 0;
}

static void one_round(unsigned int mode, uint32_t size_max, unsigned int life_us)
{
	struct reader *r = help_reader(mode);
	struct reader_stats stats;
	uint64_t until;
	pid_t pid;

	memset(&map, 0, sizeof(map));
	dropped = overwritten = gone = 0;
	reader_on_gone(r, note_gone, NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_writer(size_max);
	}
	until = clock_monotonic() + life_us * 1000ull;
	while (clock_monotonic() < until)
		assert_true(reader_drain(r, false, help_bitmap_sink, &map) >= 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(reader_drain(r, true, help_bitmap_sink, &map) >= 0);
	reader_stats(r, &stats);
	reader_close(r);
	assert_int_equal(help_count_files(RING_SUFFIX), 0);
	assert_int_equal(stats.damaged + stats.refused, 0);
	assert_int_equal(map.torn, 0);
	assert_int_equal(map.doubled, 0);
	if (help_bitmap_gaps(&map) > dropped + overwritten)
		print_message("%d missing, %d refused, %d overwritten\n",
			      (int)help_bitmap_gaps(&map), (int)dropped, (int)overwritten);
	assert_true(help_bitmap_gaps(&map) <= dropped + overwritten);
}

static void killed_writers_leave_whole_records(void **state)
{
	uint64_t records = 0, refused = 0, old = 0, alive = 0;

	(void)state;
	srandom(7);
	for (int i = 0; i < ROUNDS; i++) {
		unsigned int mode = READER_DRAIN | (i % 2 ? READER_KEEP : 0);
		uint32_t size_max = RING_HEADER_SIZE + (1u << i % 6) * RING_SEGMENT_SIZE;

		one_round(mode, size_max, (unsigned int)random() % 40000);
		if (mode & READER_KEEP) {
			uint64_t drained = map.records;

			/* What was kept says the same. */
			if (gone) {
				struct reader *r = help_reader(READER_PEEK);

				memset(&map, 0, sizeof(map));
				reader_peek(r, help_bitmap_sink, &map);
				reader_close(r);
				assert_int_equal(map.records, drained);
				assert_int_equal(map.torn + map.doubled, 0);
				unlink(help_file(SPOOL_SUFFIX));
			}
		}
		records += map.records;
		refused += dropped;
		old += overwritten;
		alive += gone;
	}
	print_message("%d writers, %d records, %d refused, %d overwritten before the reader came\n",
		      (int)alive, (int)records, (int)refused, (int)old);
	assert_true(records > 20000 && refused + old > 0 && alive > ROUNDS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed_writers_leave_whole_records, help_setup,
						help_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
