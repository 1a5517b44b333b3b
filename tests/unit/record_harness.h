/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of record/ share: a private directory, a ring in it, and records that carry
 * their thread, number and a checksum, so that a torn, doubled or lost one is noticed. Included
 * by tests/unit/record_*.c.
 */
#ifndef TESTS_UNIT_RECORD_HARNESS_H
#define TESTS_UNIT_RECORD_HARNESS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "record/counter.h"
#include "record/reader.h"
#include "record/ring.h"

#define KIND_NUMBERED 100	/* a kind that readers do not know: they hand it on all the same */
#define UNUSED __attribute__((unused))

/* Sanitizers map memory and make system calls of their own: no place for the tightest limits. */
#ifdef __has_feature
#define HELP_FEATURE(x) __has_feature(x)
#else
#define HELP_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	HELP_FEATURE(address_sanitizer) || HELP_FEATURE(thread_sanitizer)
#define HELP_SANITIZED 1
#else
#define HELP_SANITIZED 0
#endif

struct numbered {
	struct record record;
	uint64_t thread, number, sum;
	uint8_t fill[];
};

static char help_dir[64];

UNUSED static const char *help_path(const char *name)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s/%s", help_dir, name);
	return path;
}

UNUSED static int help_setup(void **state)
{
	(void)state;
	snprintf(help_dir, sizeof(help_dir), "%s/ring.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	clock_init();
	return mkdtemp(help_dir) ? 0 : -1;
}

UNUSED static int help_teardown(void **state)
{
	char command[100];

	(void)state;
	ring_forget();
	snprintf(command, sizeof(command), "rm -rf %s", help_dir);
	return system(command);
}

/* Opens this process's ring in help_dir with a fresh generation. */
UNUSED static int help_open(uint32_t size_max)
{
	static uint64_t generation = 0x1000;
	struct ring_identity identity = {
		.directory = help_dir, .executable = "prog", .size_max = size_max,
		.generation = ++generation + ((uint64_t)getpid() << 32),
	};

	ring_forget();
	return ring_open(&identity);
}

/* The one file in help_dir whose name ends so; asserts that there is one. */
UNUSED static const char *help_file(const char *suffix)
{
	static char name[300];
	struct dirent *entry;
	DIR *dir = opendir(help_dir);
	int found = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), end = strlen(suffix);

		if (len > end && strcmp(entry->d_name + len - end, suffix) == 0) {
			strcpy(name, entry->d_name);
			found++;
		}
	}
	closedir(dir);
	assert_int_equal(found, 1);
	return help_path(name);
}

UNUSED static int help_count_files(const char *suffix)
{
	struct dirent *entry;
	DIR *dir = opendir(help_dir);
	int found = 0;

	while (dir && (entry = readdir(dir)))
		found += strstr(entry->d_name, suffix) != NULL;
	if (dir)
		closedir(dir);
	return found;
}

UNUSED static int help_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

UNUSED static uint64_t help_sum(const struct numbered *n, size_t fill)
{
	uint64_t sum = n->thread * 31 + n->number;

	for (size_t i = 0; i < fill; i++)
		sum = sum * 31 + n->fill[i];
	return sum;
}

/* Writes one record of @size bytes (0: some size that depends on @number). False: refused. */
UNUSED static bool help_write(struct ring_writer *w, uint64_t thread, uint64_t number, size_t size)
{
	struct numbered *n;

	if (!size)
		size = sizeof(*n) + 8 + number * 56 % 344;
	n = ring_reserve(w, size, clock_monotonic());
	if (!n)
		return false;
	n->record.kind = KIND_NUMBERED;
	n->record.size = (uint32_t)size;
	n->thread = thread;
	n->number = number;
	memset(n->fill, (int)(number * 7 + thread), size - sizeof(*n));
	n->sum = help_sum(n, size - sizeof(*n));
	ring_commit(w);
	return true;
}

#define HELP_THREADS 128

/* What a sink has seen. */
struct help_seen {
	uint64_t records, torn, doubled, gaps;
	uint64_t next[HELP_THREADS];	/* per thread: number after the last one */
	uint64_t first[HELP_THREADS];
	uint64_t stop_after;		/* 0: never */
};

/*
 * One writer's records come in order as long as it stays in one segment: see help_bitmap for the
 * rest.
 */
UNUSED static int help_sink(void *arg, const struct reader_source *source,
			    const struct record *record)
{
	const struct numbered *n = (const struct numbered *)record;
	struct help_seen *seen = arg;

	(void)source;
	if (seen->stop_after && seen->records >= seen->stop_after)
		return -ECANCELED;
	if (record->kind != KIND_NUMBERED || record->size < sizeof(*n) ||
	    n->thread >= HELP_THREADS || n->sum != help_sum(n, record->size - sizeof(*n))) {
		seen->torn++;
		return 0;
	}
	if (!seen->next[n->thread])
		seen->first[n->thread] = n->number;
	else if (n->number < seen->next[n->thread])
		seen->doubled++;
	else
		seen->gaps += n->number - seen->next[n->thread];
	seen->next[n->thread] = n->number + 1;
	seen->records++;
	return 0;
}

#define HELP_NUMBERS (1u << 22)

/* Which numbers of which thread were seen, whatever the order. */
struct help_bitmap {
	uint64_t records, torn, doubled;
	uint64_t top[4];		/* per thread: highest number + 1 */
	uint8_t seen[4][HELP_NUMBERS];
};

UNUSED static int help_bitmap_sink(void *arg, const struct reader_source *source,
				   const struct record *record)
{
	const struct numbered *n = (const struct numbered *)record;
	struct help_bitmap *map = arg;

	(void)source;
	map->records++;
	if (record->kind != KIND_NUMBERED || record->size < sizeof(*n) || n->thread >= 4 ||
	    n->number >= HELP_NUMBERS || n->sum != help_sum(n, record->size - sizeof(*n))) {
		map->torn++;
		return 0;
	}
	map->doubled += map->seen[n->thread][n->number];
	map->seen[n->thread][n->number] = 1;
	if (n->number >= map->top[n->thread])
		map->top[n->thread] = n->number + 1;
	return 0;
}

UNUSED static uint64_t help_bitmap_gaps(const struct help_bitmap *map)
{
	uint64_t gaps = 0;

	for (int t = 0; t < 4; t++)
		for (uint64_t i = 0; i < map->top[t]; i++)
			gaps += !map->seen[t][i];
	return gaps;
}

UNUSED static struct reader *help_reader(unsigned int mode)
{
	struct reader *r = NULL;

	assert_int_equal(reader_open(&r, help_dir, mode), 0);
	return r;
}

/* Peeks at everything once. */
UNUSED static struct help_seen help_peek(void)
{
	struct reader *r = help_reader(READER_PEEK);
	struct help_seen seen = { 0 };
	int64_t n = reader_peek(r, help_sink, &seen);

	assert_int_equal(n, seen.records + seen.torn);
	reader_close(r);
	return seen;
}

/* Status of a child that runs @body; 0 when it returned 0. */
UNUSED static int help_child(int (*body)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#endif
