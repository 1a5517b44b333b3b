/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of test input that end exactly at a page nobody may touch: a parser that reads one byte
 * too far dies there, in every build, without a sanitizer. For unit tests and fuzz targets.
 */
#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes in front of the guard page: whole pages, at least one, so that "" has an address. */
static inline size_t guard_room(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len / page + 1) * page;
}

/** A writable copy of @bytes whose end is the guard page. NULL with @len 0 is fine. */
static inline char *guard_copy(const void *bytes, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = guard_room(len);
	char *at =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at + room, page, PROT_NONE) != 0)
		abort();
	if (len)
		memcpy(at + room - len, bytes, len);
	return at + room - len;
}

/** Gives back what guard_copy() returned; @len is the same. */
static inline void guard_free(char *copy, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = guard_room(len);

	munmap(copy + len - room, room + page);
}

#endif
