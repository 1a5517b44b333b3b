/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the ctxagent program: an arena that one batch fills and the next one empties, and a
 * growing byte buffer. Both end the program with one line on stderr when memory runs out: nothing
 * here runs inside somebody else's process.
 */
#ifndef EXPORT_MEMORY_H
#define EXPORT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

void *memory_get(size_t size);
void *memory_resize(void *at, size_t size);

/** All-zero is an empty arena. */
struct arena {
	struct arena_chunk *chunks;
	size_t used, size;		/* of the newest chunk */
};

/** @size zeroed bytes, aligned for any type; valid until arena_reset() or arena_free(). */
void *arena_get(struct arena *a, size_t size);
/** Forgets everything, keeps one chunk. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

/** All-zero is an empty buffer. */
struct buffer {
	char *data;
	size_t len, cap;
};

void buffer_append(struct buffer *b, const void *data, size_t len);
/** Room for @len more bytes behind the end; the caller adds what it used to b->len. */
char *buffer_room(struct buffer *b, size_t len);
void buffer_free(struct buffer *b);

#endif
