/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena and buffer of the exporters; see memory.h. Never used inside a traced program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/memory.h"

#define CHUNK_SIZE (256u * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	_Alignas(max_align_t) char data[];
};

void *memory_resize(void *at, size_t size)
{
	void *p = realloc(at, size ? size : 1);

	if (!p) {
		fputs("ctxagent: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

void *memory_get(size_t size)
{
	return memset(memory_resize(NULL, size), 0, size);
}

void *arena_get(struct arena *a, size_t size)
{
	struct arena_chunk *chunk;
	size_t room;
	void *p;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!a->chunks || a->size - a->used < size) {
		room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		chunk = memory_resize(NULL, sizeof(*chunk) + room);
		chunk->next = a->chunks;
		chunk->size = room;
		a->chunks = chunk;
		a->size = room;
		a->used = 0;
	}
	p = a->chunks->data + a->used;
	a->used += size;
	return memset(p, 0, size);
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *chunk;

	while (a->chunks && a->chunks->next) {
		chunk = a->chunks;
		a->chunks = chunk->next;
		free(chunk);
	}
	a->size = a->chunks ? a->chunks->size : 0;
	a->used = 0;
}

void arena_free(struct arena *a)
{
	arena_reset(a);
	free(a->chunks);
	memset(a, 0, sizeof(*a));
}

char *buffer_room(struct buffer *b, size_t len)
{
	size_t cap = b->cap ? b->cap : 4096;

	while (cap - b->len < len)
		cap *= 2;
	if (cap != b->cap) {
		b->data = memory_resize(b->data, cap);
		b->cap = cap;
	}
	return b->data + b->len;
}

void buffer_append(struct buffer *b, const void *data, size_t len)
{
	memcpy(buffer_room(b, len), data, len);
	b->len += len;
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}
