/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing; see intern.h.
 */
#include <stdlib.h>
#include <string.h>

#include "export/intern.h"

#define CAP_FIRST 64u

uint64_t intern_hash(const void *data, size_t len)
{
	const unsigned char *s = data;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ s[i]) * 0x100000001b3u;
	return (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
}

/** The slot that holds @text, or the free one where it belongs. */
static uint32_t *find(const struct intern *in, const char *text)
{
	uint32_t i = (uint32_t)intern_hash(text, strlen(text)) & (in->cap - 1);

	while (in->slots[i] && strcmp(in->texts[in->slots[i] - 1], text) != 0)
		i = (i + 1) & (in->cap - 1);
	return &in->slots[i];
}

static void grow(struct intern *in)
{
	in->cap = in->cap ? in->cap * 2 : CAP_FIRST;
	free(in->slots);
	in->slots = memory_get(in->cap * sizeof(*in->slots));
	in->texts = memory_resize(in->texts, in->cap / 2 * sizeof(*in->texts));
	for (uint32_t i = 0; i < in->count; i++)
		*find(in, in->texts[i]) = i + 1;
}

uint32_t intern_put(struct intern *in, const char *text)
{
	uint32_t *slot;
	size_t size = strlen(text) + 1;
	char *copy;

	if (in->count >= in->cap / 2)
		grow(in);
	slot = find(in, text);
	if (!*slot) {
		copy = arena_get(&in->arena, size);
		memcpy(copy, text, size);
		in->texts[in->count++] = copy;
		*slot = in->count;
	}
	return *slot - 1;
}

const char *intern_text(const struct intern *in, uint32_t number)
{
	return in->texts[number];
}

void intern_free(struct intern *in)
{
	arena_free(&in->arena);
	free(in->texts);
	free(in->slots);
	memset(in, 0, sizeof(*in));
}
