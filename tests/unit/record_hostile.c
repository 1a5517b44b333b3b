/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that no writer of ours would leave: the reader refuses or skips them, goes on with the
 * rest, and never dies.
 */
#include "record_harness.h"

#define SEGMENTS(n) (RING_HEADER_SIZE + (n) * RING_SEGMENT_SIZE)
#define FIELD(f) offsetof(struct ring_header, f)
#define SEGMENT(n, f) (SEGMENTS(n) + offsetof(struct ring_segment, f))
#define DATA(n) (SEGMENTS(n) + sizeof(struct ring_segment))
#define SPOOL(f) (SPOOL_STATE_OFFSET + offsetof(struct spool_state, f))

static struct ring_writer writers[3];

/* A ring of ours with 100 records in each of three segments. */
static char *make_ring(void)
{
	static char path[600];

	assert_int_equal(help_open(SEGMENTS(4)), 0);
	memset(writers, 0, sizeof(writers));
	for (uint64_t t = 0; t < 3; t++) {
		/* Whoever finds its segment taken goes to another one. */
		for (uint64_t i = 0; i < 100; i++)
			assert_true(help_write(&writers[t], t, i, 0));
		assert_non_null(ring_reserve(&writers[t], 100, 1));
	}
	for (int t = 0; t < 3; t++)
		ring_release(&writers[t]);
	strcpy(path, help_file(RING_SUFFIX));
	return path;
}

static void poke(const char *path, uint64_t off, uint64_t value, size_t size)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, &value, size, (off_t)off), size);
	close(fd);
}

static struct reader_stats peek_stats(struct help_seen *seen)
{
	struct reader *r = help_reader(READER_PEEK);
	struct reader_stats stats;

	memset(seen, 0, sizeof(*seen));
	assert_true(reader_peek(r, help_sink, seen) >= 0);
	reader_stats(r, &stats);
	reader_close(r);
	return stats;
}

static struct reader_stats drain_stats(unsigned int mode, struct help_seen *seen)
{
	struct reader *r = help_reader(READER_DRAIN | mode);
	struct reader_stats stats;

	memset(seen, 0, sizeof(*seen));
	assert_true(reader_drain(r, true, help_sink, seen) >= 0);
	assert_true(reader_drain(r, true, help_sink, seen) >= 0);
	reader_stats(r, &stats);
	reader_close(r);
	return stats;
}

static void headers_that_lie(void **state)
{
	static const struct {
		uint64_t off, value;
		size_t size;
		int foreign;
	} lies[] = {
		{ FIELD(magic), 1, 8, 0 },
		{ FIELD(version), FORMAT_VERSION + 1, 4, 1 },
		{ FIELD(pid), 1, 4, 0 },
		{ FIELD(generation), 1, 8, 0 },
		{ FIELD(executable_len), RING_TEXT_SIZE + 1, 4, 0 },
		{ FIELD(service_len), 0xffffffff, 4, 0 },
		{ FIELD(resource_len), 0xfffffffc, 4, 0 },
		{ FIELD(context_len), RING_TEXT_SIZE - 3, 4, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct reader_stats stats;
		struct help_seen seen;
		char *path = make_ring();

		assert_int_equal(help_peek().records, 300);
		poke(path, lies[i].off, lies[i].value, lies[i].size);
		stats = peek_stats(&seen);
		assert_int_equal(seen.records, 0);
		assert_int_equal(stats.refused, 1);
		assert_int_equal(stats.foreign, lies[i].foreign);
		stats = drain_stats(0, &seen);
		assert_int_equal(seen.records, 0);
		assert_int_equal(stats.refused, 1);
		assert_int_equal(unlink(path), 0);
	}
}

static int no_source(void *arg, const struct reader_source *source)
{
	(void)source;
	++*(int *)arg;
	return 0;
}

static void other_kinds_of_files(void **state)
{
	struct reader_stats stats;
	struct help_seen seen;
	char *path = make_ring(), other[700], copy[700];
	struct reader *r;
	int sources = 0;

	(void)state;
	snprintf(other, sizeof(other), "%s.elsewhere", path);
	strcpy(copy, path);
	/* A link with our name for it, a second name for the file, a pipe that nobody writes to. */
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(peek_stats(&seen).records, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(other, path), 0);
	stats = peek_stats(&seen);
	assert_int_equal(stats.records, 0);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(drain_stats(READER_KEEP, &seen).records, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(drain_stats(READER_KEEP, &seen).records, 0);
	r = help_reader(READER_PEEK);
	assert_int_equal(reader_sources(r, no_source, &sources), 0);
	reader_close(r);
	assert_int_equal(sources, 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(help_peek().records, 300);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(path, 12345, 0), 0);
	assert_int_equal(drain_stats(0, &seen).refused, 1);
	assert_int_equal(seen.records, 0);
}

static void names_that_are_none(void **state)
{
	static const char *const names[] = {
		"1-0000000000000001.rin",
		"1-0000000000000001.ringx",
		"01-0000000000000001.ring",
		"1-000000000000001.ring",
		"1-00000000000000001.ring",
		"1-000000000000000A.ring",
		"-1-0000000000000001.ring",
		"99999999999-0000000000000001.ring",
		"+1-0000000000000001.ring",
		"1-0x00000000000001.ring",
		".ring",
		"1- 000000000000001.ring",
		" 1-0000000000000001.ring",
		"1-0000000000000001.ring.spool",
	};
	struct reader_stats stats;
	struct help_seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		close(open(help_path(names[i]), O_CREAT | O_RDWR, 0600));
	stats = drain_stats(READER_SPOOLS, &seen);
	assert_int_equal(stats.files, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(access(help_path(names[i]), F_OK), 0);
}

/* One segment is damaged; the records of the other two arrive. */
static void damaged_segments(void **state)
{
	static const struct {
		uint64_t off, value;
		size_t size;
	} damages[] = {
		{ SEGMENT(0, head), 1ull << 40, 8 },
		{ SEGMENT(0, head), 12, 8 },
		{ SEGMENT(0, tail), 1ull << 40, 8 },
		{ SEGMENT(0, tail), 4, 8 },
		{ SEGMENT(0, tail), 8, 8 },
		{ DATA(0), 0, 4 },
		{ DATA(0), 12, 4 },
		{ DATA(0), RECORD_MAX + 8, 4 },
		{ DATA(0), 0xfffffff8, 4 },
		{ DATA(0) + offsetof(struct record, check), 0x1234, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		for (unsigned int mode = 0; mode <= READER_KEEP; mode += READER_KEEP) {
			struct reader_stats stats;
			struct help_seen seen;
			char *path = make_ring();

			poke(path, damages[i].off, damages[i].value, damages[i].size);
			stats = peek_stats(&seen);
			assert_true(stats.damaged >= 1);
			assert_true(seen.records < 300);
			assert_int_equal(seen.torn, 0);
			stats = drain_stats(mode, &seen);
			assert_true(stats.damaged >= 1);
			assert_int_equal(seen.torn, 0);
			assert_int_equal(unlink(path), 0);
			if (mode)
				assert_int_equal(unlink(help_file(SPOOL_SUFFIX)), 0);
		}
	}
}

/* Whole, with the right check, and larger than a sink is told to expect. */
static void a_record_that_is_too_large(void **state)
{
	struct ring_writer w = { 0 };
	struct help_seen seen;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(1)), 0);
	assert_true(help_write(&w, 0, 0, RECORD_MAX));
	assert_true(help_write(&w, 0, 1, 40));
	poke(help_file(RING_SUFFIX), DATA(0), RECORD_MAX + 40, 4);
	assert_int_equal(peek_stats(&seen).damaged, 1);
	assert_int_equal(seen.records + seen.torn, 0);
}

static void more_segments_than_the_file_has(void **state)
{
	struct help_seen seen;
	char *path = make_ring();

	(void)state;
	poke(path, FIELD(segments), 0xffffffff, 4);
	poke(path, FIELD(counter_count), 0xffffffff, 4);
	assert_int_equal(peek_stats(&seen).damaged, 0);
	assert_int_equal(seen.records, 300);
	assert_int_equal(drain_stats(READER_KEEP, &seen).damaged, 0);
	assert_int_equal(seen.records, 300);
}

static char *victim;

static int cut_sink(void *arg, const struct reader_source *source, const struct record *record)
{
	(void)source;
	(void)record;
	if (++*(int *)arg == 1)
		assert_int_equal(truncate(victim, 0), 0);
	return 0;
}

/* The file is cut short while it is mapped: a bus error for whoever does not expect it. */
static void files_cut_short_under_us(void **state)
{
	for (int drain = 0; drain < 3; drain++) {
		struct reader *r = help_reader(drain ? READER_DRAIN | (drain == 2 ? READER_KEEP : 0)
						     : READER_PEEK);
		int records = 0;

		(void)state;
		victim = make_ring();
		if (drain) {
			assert_true(reader_drain(r, true, cut_sink, &records) > 0);
			assert_int_equal(truncate(victim, SEGMENTS(1)), 0);
			assert_true(reader_drain(r, true, cut_sink, &records) >= 0);
		} else {
			assert_true(reader_peek(r, cut_sink, &records) > 0);
		}
		assert_true(records >= 1 && records <= 300);
		reader_close(r);
		unlink(victim);
		if (drain == 2)
			unlink(help_file(SPOOL_SUFFIX));
	}
}

static void spools_that_lie(void **state)
{
	static const struct {
		uint64_t off, value;
		size_t size;
	} lies[] = {
		{ SPOOL(size), 1ull << 50, 8 },
		{ SPOOL(size), 25, 8 },
		{ SPOOL(batch_at), 1ull << 50, 8 },
		{ SPOOL(batch_at), 3, 8 },
		{ RING_HEADER_SIZE, 0, 4 },
		{ RING_HEADER_SIZE + offsetof(struct record_batch, bytes), 0xfffffff8, 4 },
		{ RING_HEADER_SIZE + offsetof(struct record_batch, segment), RING_SEGMENTS_MAX, 4 },
		{ RING_HEADER_SIZE + offsetof(struct record_batch, position), 1, 8 },
		{ RING_HEADER_SIZE + sizeof(struct record_batch), 0xffffffff, 4 },
		{ FIELD(ready), 0, 4 },
	};
	struct help_seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		char *path = make_ring(), spool[700];

		assert_int_equal(drain_stats(READER_KEEP, &seen).records, 300);
		assert_int_equal(unlink(path), 0);
		strcpy(spool, help_file(SPOOL_SUFFIX));
		assert_int_equal(peek_stats(&seen).records, 300);
		poke(spool, lies[i].off, lies[i].value, lies[i].size);
		peek_stats(&seen);
		assert_true(seen.records <= 300);
		assert_int_equal(seen.torn + seen.doubled, 0);
		drain_stats(READER_SPOOLS | READER_KEEP, &seen);
		assert_int_equal(seen.torn + seen.doubled, 0);
		assert_int_equal(truncate(spool, RING_HEADER_SIZE + 100), 0);
		peek_stats(&seen);
		assert_int_equal(truncate(spool, 100), 0);
		peek_stats(&seen);
		drain_stats(READER_SPOOLS | READER_KEEP, &seen);
		assert_int_equal(seen.records, 0);
		unlink(spool);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(headers_that_lie),
		T(other_kinds_of_files),
		T(names_that_are_none),
		T(damaged_segments),
		T(a_record_that_is_too_large),
		T(more_segments_than_the_file_has),
		T(files_cut_short_under_us),
		T(spools_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
