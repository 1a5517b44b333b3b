/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's side of a ring: what a record looks like from outside, at every place of the
 * circle, with a reader and without, until nothing fits any more.
 */
#include <pthread.h>
#include <sched.h>

#include "record_harness.h"

#define ONE_SEGMENT (RING_HEADER_SIZE + RING_SEGMENT_SIZE)
#define SEGMENTS(n) (RING_HEADER_SIZE + (n) * RING_SEGMENT_SIZE)

static uint64_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void a_ring_is_one_private_file_and_no_descriptor(void **state)
{
	int fds = help_count_fds();
	struct stat st;
	char name[64];

	(void)state;
	assert_false(ring_is_open());
	assert_int_equal(help_open(SEGMENTS(4)), 0);
	assert_true(ring_is_open());
	assert_int_equal(help_count_fds(), fds);
	assert_int_equal(stat(help_file(RING_SUFFIX), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, SEGMENTS(1));
	assert_int_equal(st.st_blocks * 512 / 4096 * 4096, SEGMENTS(1));
	snprintf(name, sizeof(name), "/%d-", getpid());
	assert_non_null(strstr(help_file(RING_SUFFIX), name));
}

static void opening_twice_is_once(void **state)
{
	struct ring_identity identity = {
		.directory = help_dir, .size_max = ONE_SEGMENT, .generation = 7};

	(void)state;
	assert_int_equal(ring_open(&identity), 0);
	assert_int_equal(ring_open(&identity), 0);
	assert_int_equal(help_count_files(RING_SUFFIX), 1);
	identity.generation = 8;
	assert_int_equal(ring_open(&identity), -EEXIST);
	identity.generation = 0;
	assert_int_equal(ring_open(&identity), -EINVAL);
	assert_int_equal(help_count_files(RING_SUFFIX), 1);
}

static int check_texts(void *arg, const struct reader_source *source)
{
	char out[READER_TEXT_SIZE];

	(void)arg;
	assert_int_equal(reader_text(source, READER_EXECUTABLE, out), 256);
	assert_int_equal(reader_text(source, READER_SERVICE, out), 4);
	assert_string_equal(out, "serv");
	/* A list is cut behind a whole member. */
	assert_int_equal(reader_text(source, READER_RESOURCE, out), 7 * 365 + 4);
	assert_string_equal(out + 7 * 365, "k=va");
	assert_int_equal(reader_text(source, READER_CONTEXT, out), 3);
	assert_string_equal(out, "a=b");
	assert_int_equal(source->header->uid, geteuid());
	assert_int_equal(source->header->pid, getpid());
	return 0;
}

static void the_header_names_the_process(void **state)
{
	static char executable[300], resource[5000];
	struct ring_identity identity = {
		.directory = help_dir,
		.executable = executable,
		.service = "serv",
		.resource = resource,
		.context = "a=b",
		.size_max = ONE_SEGMENT,
		.generation = 9,
	};
	struct reader *r = help_reader(READER_PEEK);

	(void)state;
	memset(executable, 'x', sizeof(executable) - 1);
	for (int i = 0; i < 700; i++)
		memcpy(resource + i * 7, i == 365 ? "k=va,k2" : "k=valu,", 7);
	assert_int_equal(ring_open(&identity), 0);
	assert_int_equal(reader_sources(r, check_texts, NULL), 1);
	reader_close(r);
}

static void nothing_is_seen_before_it_is_committed(void **state)
{
	struct ring_writer w = { 0 };
	struct numbered *n;

	(void)state;
	assert_int_equal(help_open(ONE_SEGMENT), 0);
	assert_true(help_write(&w, 0, 0, 0));
	n = ring_reserve(&w, 200, 1);
	assert_non_null(n);
	assert_int_equal((uintptr_t)n % RECORD_ALIGN, 0);
	assert_int_equal(help_peek().records, 1);
	/* Sizes that cannot be: shown to nobody. */
	n->record.size = 208;
	ring_commit(&w);
	n = ring_reserve(&w, 200, 1);
	n->record.size = 7;
	ring_commit(&w);
	ring_commit(&w);
	assert_non_null(ring_reserve(&w, 200, 1));
	ring_release(&w);
	assert_non_null(ring_reserve(&w, 200, 1));
	assert_non_null(ring_reserve(&w, 300, 1));
	assert_null(ring_reserve(&w, RECORD_MAX + 1, 1));
	assert_null(ring_reserve(&w, 0, 1));
	assert_true(help_write(&w, 0, 1, RECORD_MAX));
	assert_int_equal(help_peek().records, 2);
	assert_int_equal(help_peek().torn, 0);
	assert_int_equal(ring_counted(COUNTER_RING_DROPPED), 2);
}

static void take_all(struct reader *r, struct help_seen *seen, uint64_t number)
{
	assert_true(reader_drain(r, false, help_sink, seen) >= 0);
	assert_int_equal(seen->records, number);
	assert_int_equal(seen->torn + seen->doubled + seen->gaps, 0);
}

/* The circle closes with 0, 8, 16 ... bytes left, for records of several sizes. */
static void the_circle_closes_at_every_place(void **state)
{
	static const size_t sizes[] = { 40, 200, 1000 };
	struct ring_writer w = { 0 };
	struct help_seen seen = { 0 };
	struct reader *r = help_reader(READER_DRAIN);
	uint64_t number = 0;
	uint32_t used = 0;

	(void)state;
	assert_int_equal(help_open(ONE_SEGMENT), 0);
	for (size_t s = 0; s < 3; s++) {
		for (uint32_t left = 0; left <= sizes[s] + 16; left += 8) {
			/* Never smaller than a record, never larger than one may be. */
			for (uint32_t gap = RING_DATA_SIZE - left - used; gap;
			     gap = RING_DATA_SIZE - left - used) {
				uint32_t size = gap > RECORD_MAX ? RECORD_MAX - 64 : gap;

				assert_true(help_write(&w, 0, number++, size));
				used += size;
				if (used % 5 == 0)
					take_all(r, &seen, number);
			}
			take_all(r, &seen, number);
			assert_true(help_write(&w, 0, number++, sizes[s]));
			used = left < sizes[s] ? (uint32_t)sizes[s]
					       : RING_DATA_SIZE - left + (uint32_t)sizes[s];
			if (used == RING_DATA_SIZE)
				used = 0;
			while (used >= RING_DATA_SIZE - sizes[s] - 64) {
				/* Too near to the end to aim at the next place: go around. */
				uint32_t rest = RING_DATA_SIZE - used, size = rest < 40 ? 40 : rest;

				assert_true(help_write(&w, 0, number++, size));
				used = rest < 40 ? 40 : 0;
			}
			take_all(r, &seen, number);
		}
	}
	reader_close(r);
	assert_int_equal(
		ring_counted(COUNTER_RING_DROPPED) + ring_counted(COUNTER_RING_OVERWRITTEN), 0);
}

static void with_a_reader_a_full_ring_refuses_the_newest(void **state)
{
	struct ring_writer w = { 0 };
	struct help_seen seen = { 0 };
	struct reader *r = help_reader(READER_DRAIN);
	uint64_t number = 0;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(3)), 0);
	take_all(r, &seen, 0);
	while (help_write(&w, 0, number, 0))
		number++;
	assert_int_equal(file_size(help_file(RING_SUFFIX)), SEGMENTS(3));
	for (int i = 0; i < 9; i++)
		assert_false(help_write(&w, 0, number, 0));
	assert_int_equal(ring_counted(COUNTER_RING_DROPPED), 10);
	take_all(r, &seen, number);
	assert_true(number * 200 > 3 * RING_DATA_SIZE * 8 / 10);
	/* There is room again; a failed look around is not repeated at once. */
	usleep(2000);
	assert_true(help_write(&w, 0, number++, 0));
	take_all(r, &seen, number);
	assert_int_equal(ring_counted(COUNTER_RING_OVERWRITTEN), 0);
	reader_close(r);
}

static void without_a_reader_a_full_ring_keeps_the_latest(void **state)
{
	for (uint32_t segments = 1; segments <= 4; segments++) {
		struct ring_writer w = { 0 };
		struct help_seen seen;
		uint64_t total = 20000, least = segments * RING_DATA_SIZE / 210 * 3 / 4;

		(void)state;
		assert_int_equal(help_open(SEGMENTS(segments)), 0);
		for (uint64_t i = 0; i < total; i++)
			assert_true(help_write(&w, 0, i, 0));
		assert_int_equal(file_size(help_file(RING_SUFFIX)), SEGMENTS(segments));
		assert_int_equal(ring_counted(COUNTER_RING_DROPPED), 0);
		seen = help_peek();
		assert_int_equal(seen.torn, 0);
		assert_int_equal(seen.records, total - ring_counted(COUNTER_RING_OVERWRITTEN));
		assert_true(seen.records >= least && seen.records < total);
		assert_int_equal(unlink(help_file(RING_SUFFIX)), 0);
	}
}

/* The latest, and nothing but: whatever is left out is older than everything that is there. */
static void the_flight_recorder_gives_up_the_oldest_first(void **state)
{
	static struct help_bitmap map;
	struct ring_writer w = { 0 };
	struct reader *r = help_reader(READER_PEEK);
	uint64_t first = 0;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(3)), 0);
	for (uint64_t total = 3000; total < 60000; total += 1777) {
		for (uint64_t i = map.top[0]; i < total; i++)
			assert_true(help_write(&w, 0, i, 0));
		memset(&map, 0, sizeof(map));
		reader_peek(r, help_bitmap_sink, &map);
		for (first = 0; !map.seen[0][first]; first++)
			;
		assert_int_equal(map.records, total - first);
		assert_int_equal(map.torn + map.doubled, 0);
	}
	reader_close(r);
}

static bool write_page(struct ring_writer *w, uint64_t now_ns)
{
	struct record *record = ring_reserve(w, 4096, now_ns);

	if (!record)
		return false;
	record->size = 4096;
	record->kind = KIND_NUMBERED;
	ring_commit(w);
	return true;
}

static void say_seen(uint64_t seen_ns)
{
	int fd = open(help_file(RING_SUFFIX), O_RDWR);

	assert_int_equal(pwrite(fd, &seen_ns, 8, offsetof(struct ring_header, reader_seen_ns)), 8);
	close(fd);
}

static void a_reader_is_alive_for_five_seconds(void **state)
{
	uint64_t now = 1000000000000000u, ms = 1000000;
	struct ring_writer w = { 0 };

	(void)state;
	assert_int_equal(help_open(ONE_SEGMENT), 0);
	say_seen(now - 4900 * ms);
	while (write_page(&w, now))
		;
	assert_true(write_page(&w, now + 200 * ms));
	assert_false(write_page(&w, now - 10 * ms));
	/* A clock that is ahead, but not by hours. */
	say_seen(now + 1000 * ms);
	assert_false(write_page(&w, now + 300 * ms));
	say_seen(now + 3600000 * ms);
	assert_true(write_page(&w, now + 400 * ms));
	say_seen(0);
	assert_true(write_page(&w, now + 500 * ms));
}

static void growth_that_fails_is_counted_and_not_tried_again_at_once(void **state)
{
	struct ring_writer w = { 0 };
	char other[600];
	uint64_t now = 1000000000;
	int fd;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(4)), 0);
	strcpy(other, help_file(RING_SUFFIX));
	assert_int_equal(unlink(other), 0);
	for (uint64_t i = 0; i < 5000; i++)
		assert_true(help_write(&w, 0, i, 0));
	assert_int_equal(ring_counted(COUNTER_RING_FAILED), 1);
	/* Somebody else's file of that name is left alone. */
	fd = open(other, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	now = clock_monotonic() + 1100000000;
	for (uint64_t i = 0; i < 100; i++) {
		struct record *record = ring_reserve(&w, 4096, now);

		record->size = 4096;
		ring_commit(&w);
	}
	assert_int_equal(ring_counted(COUNTER_RING_FAILED), 2);
	assert_int_equal(file_size(other), 1);
}

static void counters_move_into_the_file(void **state)
{
	struct help_seen seen = { 0 };
	struct reader *r = help_reader(READER_PEEK);

	(void)state;
	ring_forget();
	ring_count(COUNTER_REQUESTS, 5);
	ring_count(COUNTER_COUNT, 1);
	ring_count(~0u, 1);
	assert_int_equal(ring_counted(COUNTER_REQUESTS), 5);
	assert_int_equal(ring_counted(COUNTER_COUNT), 0);
	{
		struct ring_identity identity = {
			.directory = help_dir, .size_max = ONE_SEGMENT, .generation = 77};
		uint64_t in_file = 0;
		int fd;

		assert_int_equal(ring_open(&identity), 0);
		ring_count(COUNTER_REQUESTS, 2);
		assert_int_equal(ring_counted(COUNTER_REQUESTS), 7);
		fd = open(help_file(RING_SUFFIX), O_RDONLY);
		assert_int_equal(pread(fd, &in_file, 8, offsetof(struct ring_header, counters) +
					8 * COUNTER_REQUESTS), 8);
		assert_int_equal(in_file, 7);
		close(fd);
	}
	ring_forget();
	assert_int_equal(ring_counted(COUNTER_REQUESTS), 0);
	reader_peek(r, help_sink, &seen);
	reader_close(r);
}

#define COUNTS 200000

static void *count_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < COUNTS; i++)
		ring_count(COUNTER_SPANS, 1);
	return NULL;
}

static void no_count_is_lost_while_the_file_is_made(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		pthread_t thread[3];

		ring_forget();
		for (int i = 0; i < 3; i++)
			assert_int_equal(pthread_create(&thread[i], NULL, count_often, NULL), 0);
		usleep(200);
		{
			struct ring_identity identity = {
				.directory = help_dir,
				.size_max = ONE_SEGMENT,
				.generation = 1000 + (uint64_t)round,
			};

			assert_int_equal(ring_open(&identity), 0);
		}
		for (int i = 0; i < 3; i++)
			pthread_join(thread[i], NULL);
		assert_int_equal(ring_counted(COUNTER_SPANS), 3 * COUNTS);
	}
}

#define MANY 100
#define EACH 300

static void *write_some(void *arg)
{
	struct ring_writer w = { 0 };

	for (uint64_t i = 0; i < EACH; i++) {
		help_write(&w, (uint64_t)(uintptr_t)arg, i, 0);
		sched_yield();
	}
	ring_release(&w);
	return NULL;
}

/* Far more threads than segments: they share. */
static void many_threads_share_few_segments(void **state)
{
	struct reader *r = help_reader(READER_DRAIN);
	struct help_seen seen = { 0 };
	pthread_t thread[MANY];

	(void)state;
	assert_int_equal(help_open(SEGMENTS(30)), 0);
	reader_drain(r, true, help_sink, &seen);
	for (uintptr_t i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, write_some, (void *)i), 0);
	for (int i = 0; i < MANY; i++)
		pthread_join(thread[i], NULL);
	assert_true(reader_drain(r, true, help_sink, &seen) >= 0);
	assert_int_equal(seen.torn, 0);
	assert_int_equal(seen.records + ring_counted(COUNTER_RING_DROPPED), MANY * EACH);
	/*
	 * A thread may be stopped in the middle of a record: then its segment is nobody's for a
	 * while.
	 */
	assert_true(ring_counted(COUNTER_RING_DROPPED) < MANY * EACH / 20);
	reader_close(r);
}

static void the_price_of_a_record(void **state)
{
	struct ring_writer w = { 0 };
	uint64_t best = UINT64_MAX, clock = UINT64_MAX;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(1)), 0);
	for (int round = 0; round < 20; round++) {
		uint64_t start = clock_monotonic(), end;

		for (int i = 0; i < 10000; i++) {
			struct record *record = ring_reserve(&w, 4096, start);

			memset(record + 1, i, 192);
			record->size = 200;
			record->kind = KIND_NUMBERED;
			ring_commit(&w);
		}
		end = clock_monotonic();
		best = end - start < best ? end - start : best;
		start = clock_monotonic();
		for (int i = 0; i < 10000; i++)
			clock_monotonic();
		end = clock_monotonic();
		clock = end - start < clock ? end - start : clock;
	}
	print_message("ns per record of 200 bytes, flight recorder: %d.%d (a clock read: %d)\n",
		      (int)(best / 10000), (int)(best / 1000 % 10), (int)(clock / 10000));
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_ring_is_one_private_file_and_no_descriptor),
		T(opening_twice_is_once),
		T(the_header_names_the_process),
		T(nothing_is_seen_before_it_is_committed),
		T(the_circle_closes_at_every_place),
		T(with_a_reader_a_full_ring_refuses_the_newest),
		T(without_a_reader_a_full_ring_keeps_the_latest),
		T(the_flight_recorder_gives_up_the_oldest_first),
		T(a_reader_is_alive_for_five_seconds),
		T(growth_that_fails_is_counted_and_not_tried_again_at_once),
		T(counters_move_into_the_file),
		T(no_count_is_lost_while_the_file_is_made),
		T(many_threads_share_few_segments),
		T(the_price_of_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
