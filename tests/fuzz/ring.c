/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring and a spool that somebody has scribbled over, read in every way. The first byte says how
 * to read; with its top bit set the rest is the ring file as it is. Otherwise the rest is a list
 * of changes to files that our own writer and drainer made: where (one byte), offset (two),
 * length (one), bytes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/reader.h"
#include "record/span.h"

#define RING_SIZE (RING_HEADER_SIZE + 2 * RING_SEGMENT_SIZE)
#define SPOOL_MAX (RING_HEADER_SIZE + 16384)
#define RAW 0x80

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64], ring_path[200], spool_path[200];
static char ring_good[RING_SIZE], spool_good[SPOOL_MAX];
static char ring_now[RING_SIZE], spool_now[SPOOL_MAX];
static size_t spool_len;

static void write_spans(struct ring_writer *w, int n)
{
	for (int i = 0; i < n; i++) {
		struct span_writer s;

		span_begin(&s, w, 1);
		if (!s.span)
			abort();
		span_text(&s, ATTRIBUTE_URL_PATH, "/a/path/to/somewhere", (size_t)(i % 20));
		span_number(&s, ATTRIBUTE_SERVER_PORT, i);
		span_end(&s, w);
	}
}

static size_t load(const char *path, char *to, size_t cap)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, to, cap);

	if (n < 0)
		abort();
	close(fd);
	return (size_t)n;
}

static void store(const char *path, const char *from, size_t len)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, from, len) != (ssize_t)len)
		abort();
	close(fd);
}

/* Uses everything that a record and its source can be asked. */
static int use_record(void *arg, const struct reader_source *source, const struct record *record)
{
	static char text[READER_TEXT_SIZE];
	const struct record_span *span = reader_span(record);
	struct reader_attribute a;
	uint64_t *sum = arg;
	size_t at = 0;

	for (uint32_t i = 0; i < record->size; i++)
		*sum += ((const unsigned char *)record)[i];
	while (span && reader_next_attribute(span, &at, &a))
		for (size_t i = 0; i < a.len; i++)
			*sum += (unsigned char)a.text[i];
	for (int i = READER_EXECUTABLE; i <= READER_CONTEXT; i++)
		*sum += reader_text(source, (enum reader_text)i, text) + strlen(source->name);
	*sum += reader_counter(source, (unsigned int)*sum % 300) + reader_wall_ns(source, *sum);
	return *sum % 61 == 7 ? -1 : 0;
}

/* While the files are made nothing may stop the drain. */
static int take_record(void *arg, const struct reader_source *source, const struct record *record)
{
	(void)arg;
	(void)source;
	(void)record;
	return 0;
}

static int use_source(void *arg, const struct reader_source *source)
{
	*(uint64_t *)arg += reader_alive(source);
	return 0;
}

static void clean(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		return;
}

/* Files as they are when all is well: three spans in the spool, some in each of two segments. */
static void prepare(void)
{
	struct ring_writer a = { 0 }, b = { 0 };
	struct ring_identity identity = {
		.directory = dir,
		.executable = "prog",
		.service = "svc",
		.resource = "k=v,l=w",
		.context = "u=1",
		.size_max = RING_SIZE,
		.generation = 0xabcdef,
	};
	struct reader *r;

	snprintf(dir, sizeof(dir), "%s/fuzz.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir) || ring_open(&identity) != 0)
		abort();
	atexit(clean);
	snprintf(ring_path, sizeof(ring_path), "%s/%d-%016x" RING_SUFFIX, dir, getpid(), 0xabcdef);
	snprintf(spool_path, sizeof(spool_path), "%s/%d-%016x" SPOOL_SUFFIX, dir, getpid(),
		 0xabcdef);
	write_spans(&a, 3);
	if (reader_open(&r, dir, READER_DRAIN | READER_KEEP) != 0 ||
	    reader_drain(r, true, take_record, NULL) != 3)
		abort();
	reader_close(r);
	write_spans(&a, 10);
	if (!ring_reserve(&a, 100, 1))
		abort();
	write_spans(&b, 10);	/* in another segment: that one is taken */
	ring_release(&a);
	if (load(ring_path, ring_good, RING_SIZE) != RING_SIZE)
		abort();
	spool_len = load(spool_path, spool_good, SPOOL_MAX);
}

static void change(const uint8_t *data, size_t size)
{
	static const struct {
		char *file;
		size_t base;
	} places[] = {
		{ ring_now, 0 },
		{ ring_now, offsetof(struct ring_header, text) },
		{ ring_now, RING_HEADER_SIZE },
		{ ring_now, RING_HEADER_SIZE + RING_SEGMENT_SIZE },
		{ ring_now, RING_HEADER_SIZE + RING_SEGMENT_SIZE - 4096 },
		{ spool_now, 0 },
		{ spool_now, SPOOL_STATE_OFFSET },
		{ spool_now, RING_HEADER_SIZE },
	};

	while (size > 4) {
		size_t where = data[0] % (sizeof(places) / sizeof(places[0]));
		size_t off = places[where].base + data[1] + (data[2] % 64) * 256u,
		       len = data[3] % 32;
		size_t cap = places[where].file == ring_now ? RING_SIZE : SPOOL_MAX;

		if (len > size - 4)
			len = size - 4;
		if (off < cap && len <= cap - off)
			memcpy(places[where].file + off, data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int modes[] = {
		READER_PEEK, READER_DRAIN, READER_DRAIN | READER_KEEP, READER_DRAIN | READER_SPOOLS,
		READER_DRAIN | READER_SPOOLS | READER_KEEP,
	};
	unsigned int mode;
	struct reader *r;
	uint64_t sum = 0;

	if (!dir[0])
		prepare();
	if (!size)
		return 0;
	mode = modes[(data[0] & 7) % 5];
	memcpy(ring_now, ring_good, RING_SIZE);
	memcpy(spool_now, spool_good, SPOOL_MAX);
	if (data[0] & RAW) {
		store(ring_path, (const char *)data + 1, size - 1);
		store(spool_path, (const char *)data + 1, size - 1);
	} else {
		change(data + 1, size - 1);
		store(ring_path, ring_now, RING_SIZE);
		store(spool_path, spool_now, spool_len);
	}
	if (reader_open(&r, dir, mode) != 0)
		abort();
	for (int i = 0; i < 2; i++) {
		reader_sources(r, use_source, &sum);
		reader_peek(r, use_record, &sum);
		if (mode & READER_DRAIN)
			reader_drain(r, i, use_record, &sum);
	}
	reader_close(r);
	return 0;
}
