/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a directory of rings: peeking and draining, keeping and removing.
 */
#include <sys/resource.h>

#include "record_harness.h"

#define SEGMENTS(n) (RING_HEADER_SIZE + (n) * RING_SEGMENT_SIZE)

static uint64_t children_records = 500;

/* A process that writes some records and ends. */
static int write_and_exit(void)
{
	struct ring_writer w = { 0 };

	if (help_open(SEGMENTS(8)) != 0)
		return 1;
	ring_count(COUNTER_REQUESTS, 3);
	for (uint64_t i = 0; i < children_records; i++)
		help_write(&w, 0, i, 0);
	return 0;
}

static int64_t drain(struct reader *r, bool final, struct help_seen *seen)
{
	return reader_drain(r, final, help_sink, seen);
}

/* ---- opening ---- */

static int open_as_another_user(void)
{
	struct reader *r;

	return setuid(12345) != 0 || reader_open(&r, help_dir, READER_PEEK) != -EPERM;
}

static void only_a_directory_of_our_own_is_opened(void **state)
{
	struct reader *r = NULL;
	char dir[600];

	(void)state;
	assert_int_equal(reader_open(&r, help_path("none"), READER_PEEK), -ENOENT);
	assert_int_equal(reader_open(&r, "", READER_PEEK), -ENOENT);
	strcpy(dir, help_dir);
	assert_int_equal(symlink(dir, help_path("link")), 0);
	assert_true(reader_open(&r, help_path("link"), READER_PEEK) < 0);
	assert_true(reader_open(&r, help_path("link/"), READER_PEEK) < 0);
	assert_int_equal(reader_open(&r, help_path("new/dir"), READER_DRAIN | READER_CREATE), 0);
	reader_close(r);
	assert_int_equal(chmod(help_path("new/dir"), 0770), 0);
	assert_int_equal(reader_open(&r, help_path("new/dir"), READER_PEEK), -EPERM);
	reader_close(NULL);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(help_path("new"), 12345, 0), 0);
	assert_int_equal(reader_open(&r, help_path("new"), READER_DRAIN), 0);
	reader_close(r);
	assert_int_equal(chmod(help_dir, 0755), 0);
	assert_int_equal(help_child(open_as_another_user), 0);
}

static void one_drainer_at_a_time(void **state)
{
	struct reader *a = help_reader(READER_DRAIN), *b = NULL, *peek = help_reader(READER_PEEK);
	struct help_seen seen = { 0 };

	(void)state;
	assert_int_equal(reader_open(&b, help_dir, READER_DRAIN), -EBUSY);
	assert_int_equal(reader_drain(peek, true, help_sink, &seen), -EINVAL);
	reader_close(a);
	assert_int_equal(reader_open(&b, help_dir, READER_DRAIN), 0);
	reader_close(b);
	reader_close(peek);
}

/* ---- peek ---- */

static void peeking_changes_nothing(void **state)
{
	static char before[SEGMENTS(2)], after[SEGMENTS(2)];
	struct ring_writer w = { 0 };
	int fd;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(2)), 0);
	for (uint64_t i = 0; i < 1000; i++)
		help_write(&w, 0, i, 0);
	fd = open(help_file(RING_SUFFIX), O_RDONLY);
	assert_true(read(fd, before, sizeof(before)) > 0);
	for (int i = 0; i < 3; i++) {
		struct help_seen seen = help_peek();

		assert_int_equal(seen.records, 1000);
		assert_int_equal(seen.torn + seen.doubled + seen.gaps, 0);
	}
	assert_true(pread(fd, after, sizeof(after), 0) > 0);
	close(fd);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(help_count_files(""), 3);
}

static void a_sink_can_stop(void **state)
{
	struct ring_writer w = { 0 };
	struct help_seen seen = { .stop_after = 400 };
	struct reader *r = help_reader(READER_DRAIN);

	(void)state;
	assert_int_equal(help_open(SEGMENTS(2)), 0);
	for (uint64_t i = 0; i < 1000; i++)
		help_write(&w, 0, i, 0);
	assert_int_equal(reader_peek(r, help_sink, &seen), -ECANCELED);
	assert_int_equal(seen.records, 400);
	memset(&seen, 0, sizeof(seen));
	seen.stop_after = 400;
	assert_int_equal(drain(r, true, &seen), -ECANCELED);
	assert_int_equal(seen.records, 400);
	/* What it refused stays. */
	seen.stop_after = 0;
	assert_int_equal(help_peek().first[0], 400);
	assert_int_equal(drain(r, false, &seen), 600);
	assert_int_equal(seen.records, 1000);
	assert_int_equal(seen.torn + seen.doubled + seen.gaps, 0);
	reader_close(r);
}

/* ---- drain ---- */

static void draining_consumes_and_says_that_it_is_there(void **state)
{
	struct ring_writer w = { 0 };
	struct help_seen seen = { 0 };
	struct reader *r = help_reader(READER_DRAIN);
	uint64_t met;
	int fd;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(2)), 0);
	for (uint64_t i = 0; i < 1000; i++)
		help_write(&w, 0, i, 0);
	assert_int_equal(drain(r, true, &seen), 1000);
	assert_int_equal(drain(r, true, &seen), 0);
	assert_int_equal(help_peek().records, 0);
	fd = open(help_file(RING_SUFFIX), O_RDONLY);
	assert_int_equal(pread(fd, &met, 8, offsetof(struct ring_header, reader_seen_ns)), 8);
	assert_in_range(met, clock_monotonic() - 1000000000, clock_monotonic());
	reader_close(r);
	assert_int_equal(pread(fd, &met, 8, offsetof(struct ring_header, reader_seen_ns)), 8);
	assert_int_equal(met, 0);
	close(fd);
	assert_int_equal(help_count_files(RING_SUFFIX), 1);
}

static void new_files_are_found_soon(void **state)
{
	struct reader *r = help_reader(READER_DRAIN);
	struct help_seen seen = { 0 };

	(void)state;
	for (int i = 1; i <= 5; i++) {
		uint64_t until = clock_monotonic() + 300000000;

		drain(r, false, &seen);
		assert_int_equal(help_child(write_and_exit), 0);
		while (seen.records < 500u * (unsigned int)i && clock_monotonic() < until) {
			assert_true(drain(r, false, &seen) >= 0);
			usleep(5000);
		}
		assert_int_equal(seen.records, 500 * i);
	}
	reader_close(r);
}

static int count_gone(void *arg, const struct reader_source *source)
{
	uint64_t *sum = arg;

	*sum += reader_counter(source, COUNTER_REQUESTS);
	assert_int_equal(reader_counter(source, COUNTER_COUNT), 0);
	assert_int_equal(reader_counter(source, ~0u), 0);
	return 0;
}

static void rings_of_the_dead_are_removed(void **state)
{
	struct reader *r = help_reader(READER_DRAIN);
	struct help_seen seen = { 0 };
	struct reader_stats stats;
	struct ring_writer w = { 0 };
	uint64_t gone = 0;

	(void)state;
	reader_on_gone(r, count_gone, &gone);
	assert_int_equal(help_child(write_and_exit), 0);
	assert_int_equal(help_child(write_and_exit), 0);
	assert_int_equal(help_open(SEGMENTS(1)), 0);
	assert_true(help_write(&w, 1, 0, 0));
	assert_int_equal(drain(r, true, &seen), 1001);
	assert_int_equal(help_count_files(RING_SUFFIX), 1);
	assert_int_equal(help_count_files(SPOOL_SUFFIX), 0);
	assert_int_equal(gone, 6);
	reader_stats(r, &stats);
	assert_int_equal(stats.removed, 2);
	assert_int_equal(stats.records, 1001);
	assert_int_equal(stats.refused + stats.damaged, 0);
	reader_close(r);
}

/* Its maker died before the header was complete. */
static void half_made_rings_of_the_dead_are_removed(void **state)
{
	struct reader *r = help_reader(READER_DRAIN);
	struct help_seen seen = { 0 };
	char dead[60], alive[60];

	(void)state;
	snprintf(dead, sizeof(dead), "2147483000-%016x%s", 1, RING_SUFFIX);
	snprintf(alive, sizeof(alive), "%d-%016x%s", getpid(), 2, RING_SUFFIX);
	close(open(help_path(dead), O_CREAT | O_RDWR, 0600));
	close(open(help_path(alive), O_CREAT | O_RDWR, 0600));
	assert_int_equal(truncate(help_path(dead), SEGMENTS(1)), 0);
	assert_int_equal(drain(r, true, &seen), 0);
	assert_int_equal(access(help_path(dead), F_OK), -1);
	assert_int_equal(access(help_path(alive), F_OK), 0);
	assert_int_equal(help_peek().records, 0);
	reader_close(r);
}

/* ---- spools ---- */

static void what_is_kept_is_there_once(void **state)
{
	struct reader *r = help_reader(READER_DRAIN | READER_KEEP);
	struct help_seen seen = { 0 }, all;
	struct ring_writer w = { 0 };
	uint64_t number = 0;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(1)), 0);
	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < 333; i++)
			assert_true(help_write(&w, 0, number++, 0));
		all = help_peek();
		assert_int_equal(all.records, number);
		assert_int_equal(all.torn + all.doubled + all.gaps, 0);
		assert_int_equal(drain(r, true, &seen), 333);
		all = help_peek();
		assert_int_equal(all.records, number);
		assert_int_equal(all.torn + all.doubled + all.gaps, 0);
	}
	reader_close(r);
	assert_int_equal(seen.records, number);
	assert_int_equal(help_count_files(SPOOL_SUFFIX), 1);
}

static void the_spool_keeps_the_counters_of_the_dead(void **state)
{
	struct reader *r = help_reader(READER_DRAIN | READER_KEEP);
	struct help_seen seen = { 0 };
	uint64_t requests = 0;
	struct stat st;

	(void)state;
	assert_int_equal(help_child(write_and_exit), 0);
	assert_int_equal(drain(r, true, &seen), 500);
	assert_int_equal(help_count_files(RING_SUFFIX), 0);
	assert_int_equal(stat(help_file(SPOOL_SUFFIX), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(reader_sources(r, count_gone, &requests), 1);
	assert_int_equal(requests, 3);
	reader_close(r);
	assert_int_equal(help_peek().records, 500);

	/*
	 * A drainer that does not ask for spools leaves them alone; one that keeps them delivers
	 * them once.
	 */
	r = help_reader(READER_DRAIN);
	assert_int_equal(drain(r, true, &seen), 0);
	reader_close(r);
	r = help_reader(READER_DRAIN | READER_SPOOLS | READER_KEEP);
	assert_int_equal(help_child(write_and_exit), 0);
	assert_int_equal(drain(r, true, &seen), 1000);
	assert_int_equal(drain(r, true, &seen), 0);
	reader_close(r);
	assert_int_equal(help_peek().records, 1000);
	r = help_reader(READER_DRAIN | READER_SPOOLS);
	requests = 0;
	reader_on_gone(r, count_gone, &requests);
	assert_int_equal(drain(r, true, &seen), 1000);
	assert_int_equal(requests, 6);
	reader_close(r);
	assert_int_equal(help_count_files(SPOOL_SUFFIX), 0);
}

static void a_living_process_s_spool_is_taken_once(void **state)
{
	struct reader *r = help_reader(READER_DRAIN | READER_KEEP);
	struct help_seen seen = { 0 };
	struct ring_writer w = { 0 };

	(void)state;
	assert_int_equal(help_open(SEGMENTS(1)), 0);
	for (uint64_t i = 0; i < 100; i++)
		help_write(&w, 0, i, 0);
	assert_int_equal(drain(r, true, &seen), 100);
	reader_close(r);
	for (uint64_t i = 100; i < 150; i++)
		help_write(&w, 0, i, 0);
	memset(&seen, 0, sizeof(seen));
	r = help_reader(READER_DRAIN | READER_SPOOLS);
	assert_int_equal(drain(r, true, &seen), 150);
	assert_int_equal(drain(r, true, &seen), 0);
	assert_int_equal(seen.torn + seen.doubled + seen.gaps, 0);
	reader_close(r);
	assert_int_equal(help_peek().records, 0);
}

static void poke(const char *path, uint64_t off, uint64_t value)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)off), sizeof(value));
	close(fd);
}

#define TAIL (RING_HEADER_SIZE + offsetof(struct ring_segment, tail))
#define SPOOLED (SPOOL_STATE_OFFSET + offsetof(struct spool_state, spooled))

/* The drainer died after spooling: before the ring's tail moved, and before `spooled` did. */
static void a_drainer_that_dies_doubles_nothing(void **state)
{
	for (int lagging = 0; lagging < 2; lagging++) {
		struct reader *r = help_reader(READER_DRAIN | READER_KEEP);
		struct help_seen seen = { 0 }, all;
		struct ring_writer w = { 0 };

		(void)state;
		assert_int_equal(help_open(SEGMENTS(1)), 0);
		for (uint64_t i = 0; i < 200; i++)
			help_write(&w, 0, i, 0);
		assert_int_equal(drain(r, true, &seen), 200);
		reader_close(r);
		poke(help_file(RING_SUFFIX), TAIL, 0);
		if (lagging)
			poke(help_file(SPOOL_SUFFIX), SPOOLED, 0);
		for (uint64_t i = 200; i < 300; i++)
			help_write(&w, 0, i, 0);
		all = help_peek();
		assert_int_equal(all.records, 300);
		assert_int_equal(all.doubled + all.gaps + all.torn, 0);
		r = help_reader(READER_DRAIN | READER_KEEP);
		assert_int_equal(drain(r, true, &seen), 100);
		reader_close(r);
		all = help_peek();
		assert_int_equal(all.records, 300);
		assert_int_equal(all.doubled + all.gaps + all.torn, 0);
		unlink(help_file(RING_SUFFIX));
		unlink(help_file(SPOOL_SUFFIX));
	}
}

static int keep_with_a_file_limit(void)
{
	struct rlimit limit = { RING_HEADER_SIZE + 1000, RLIM_INFINITY };
	struct help_seen seen = { 0 };
	struct reader *r;

	setrlimit(RLIMIT_FSIZE, &limit);
	if (reader_open(&r, help_dir, READER_DRAIN | READER_KEEP) != 0)
		return 1;
	if (drain(r, true, &seen) >= 0 || seen.records != 0 || help_peek().records != 500)
		return 2;
	limit.rlim_cur = 1000;
	setrlimit(RLIMIT_FSIZE, &limit);
	reader_close(r);
	unlink(help_file(SPOOL_SUFFIX));
	if (reader_open(&r, help_dir, READER_DRAIN | READER_KEEP) != 0)
		return 3;
	if (drain(r, true, &seen) >= 0 || seen.records != 0 || help_peek().records != 500)
		return 4;
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	return drain(r, true, &seen) != 500 || help_peek().records != 500;
}

static void a_spool_that_cannot_be_written_loses_nothing(void **state)
{
	(void)state;
	assert_int_equal(help_child(write_and_exit), 0);
	assert_int_equal(help_child(keep_with_a_file_limit), 0);
}

static void wall_clock(void **state)
{
	struct ring_header header = { .start_monotonic_ns = 1000, .start_realtime_ns = 5000000 };
	struct reader_source source = { &header, "x" };

	(void)state;
	assert_int_equal(reader_wall_ns(&source, 1000), 5000000);
	assert_int_equal(reader_wall_ns(&source, 900), 4999900);
	assert_int_equal(reader_wall_ns(&source, 1500), 5000500);
}

static void an_idle_visit_is_cheap(void **state)
{
	struct reader *r = help_reader(READER_DRAIN);
	struct help_seen seen = { 0 };
	struct ring_writer w = { 0 };
	uint64_t start_ns, ns;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(8)), 0);
	for (uint64_t i = 0; i < 8000; i++)
		help_write(&w, 0, i, 0);
	drain(r, true, &seen);
	start_ns = clock_monotonic();
	for (int i = 0; i < 1000; i++)
		drain(r, false, &seen);
	ns = (clock_monotonic() - start_ns) / 1000;
	print_message("ns per idle visit of one ring of 8 segments: %d\n", (int)ns);
	assert_true(ns < 20000);
	reader_close(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(only_a_directory_of_our_own_is_opened),
		T(one_drainer_at_a_time),
		T(peeking_changes_nothing),
		T(a_sink_can_stop),
		T(draining_consumes_and_says_that_it_is_there),
		T(new_files_are_found_soon),
		T(rings_of_the_dead_are_removed),
		T(half_made_rings_of_the_dead_are_removed),
		T(what_is_kept_is_there_once),
		T(the_spool_keeps_the_counters_of_the_dead),
		T(a_living_process_s_spool_is_taken_once),
		T(a_drainer_that_dies_doubles_nothing),
		T(a_spool_that_cannot_be_written_loses_nothing),
		T(wall_clock),
		T(an_idle_visit_is_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
