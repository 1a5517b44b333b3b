/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a validated header copy and a validated record say: texts, counters, clocks, attributes, and
 * whether the process still lives. Called by export/ and cli/ with what the reader handed to them.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/reader.h"

#define NS_PER_S 1000000000ull

static const struct {
	const char *name;
	bool is_number;
} attribute_rows[] = {
#define TEXT false
#define NUMBER true
#define ATTRIBUTE(id, name, type) { name, type },
#include "record/attribute.def"
#undef ATTRIBUTE
#undef TEXT
#undef NUMBER
};

size_t reader_text(const struct reader_source *source, enum reader_text which, char *out)
{
	const struct ring_header *h = source->header;
	const uint32_t len[] = {h->executable_len, h->service_len, h->resource_len, h->context_len};
	uint32_t at = 0, n;

	for (unsigned int i = 0; i < (unsigned int)which; i++)
		at += len[i];
	memcpy(out, h->text + at, len[which]);
	out[len[which]] = 0;
	/* A NUL inside would make length and string differ. */
	n = (uint32_t)strlen(out);
	return n;
}

uint64_t reader_counter(const struct reader_source *source, unsigned int counter)
{
	if (counter >= source->header->counter_count || counter >= RING_COUNTERS_MAX)
		return 0;
	return atomic_load_explicit(&source->header->counters[counter], memory_order_relaxed);
}

uint64_t reader_wall_ns(const struct reader_source *source, uint64_t monotonic_ns)
{
	return monotonic_ns - source->header->start_monotonic_ns +
	       source->header->start_realtime_ns;
}

/* ---- is it alive? ---- */

/*
 * Fields of /proc/<pid>/stat behind the program's name, which may hold anything. False: cannot be
 * read.
 */
static bool read_stat(pid_t pid, char *state, long *threads, unsigned long long *start_ticks)
{
	char path[40], text[1024];
	const char *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	at = strrchr(text, ')');
	return at && sscanf(at + 1,
			    " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			    "%ld %*s %llu",
			    state, threads, start_ticks) == 3;
}

/* The process started later than the ring was made: the number went to somebody else. */
static bool started_after(const struct ring_header *h, unsigned long long start_ticks)
{
	long hertz = sysconf(_SC_CLK_TCK);
	uint64_t ring_ns, start_ns;
	struct timespec boot;

	if (hertz <= 0 || clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
		return false;
	/*
	 * Both since boot. A suspend since then makes the ring look younger: then it counts as
	 * alive.
	 */
	ring_ns = (uint64_t)boot.tv_sec * NS_PER_S + (uint64_t)boot.tv_nsec - clock_monotonic() +
		  h->start_monotonic_ns;
	start_ns = start_ticks / (unsigned long)hertz * NS_PER_S +
		   start_ticks % (unsigned long)hertz * (NS_PER_S / (unsigned long)hertz);
	return start_ns > ring_ns + 2 * NS_PER_S / (unsigned long)hertz;
}

bool reader_alive(const struct reader_source *source)
{
	pid_t pid = (pid_t)source->header->pid;
	unsigned long long start_ticks;
	char state;
	long threads;

	if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH))
		return false;
	if (!read_stat(pid, &state, &threads, &start_ticks))
		return kill(pid, 0) == 0 || errno != ESRCH;
	/* A zombie writes no more, unless only its first thread has ended. */
	if ((state == 'Z' || state == 'X') && threads <= 1)
		return false;
	return !started_after(source->header, start_ticks);
}

/* ---- records ---- */

const struct record_span *reader_span(const struct record *record)
{
	const struct record_span *span = (const struct record_span *)record;

	if (record->kind != RECORD_SPAN || record->size < sizeof(*span))
		return NULL;
	return span->attributes_size <= record->size - sizeof(*span) ? span : NULL;
}

bool reader_next_attribute(const struct record_span *span, size_t *at, struct reader_attribute *out)
{
	const char *bytes = (const char *)(span + 1);

	while (*at <= span->attributes_size &&
	       span->attributes_size - *at >= sizeof(struct record_attribute)) {
		struct record_attribute head;
		const char *value = bytes + *at + sizeof(head);
		size_t room = span->attributes_size - *at - sizeof(head);

		memcpy(&head, bytes + *at, sizeof(head));
		if (head.len > room)
			return false;
		*at += sizeof(head) +
		       (((size_t)head.len + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1));
		if (head.key >= ATTRIBUTE_COUNT ||
		    (attribute_rows[head.key].is_number && head.len != 8))
			continue;
		memset(out, 0, sizeof(*out));
		out->key = head.key;
		out->name = attribute_rows[head.key].name;
		out->is_number = attribute_rows[head.key].is_number;
		out->text = value;
		out->len = head.len;
		if (out->is_number)
			memcpy(&out->number, value, sizeof(out->number));
		return true;
	}
	return false;
}
