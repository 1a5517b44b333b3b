/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathering records into export requests; see batch.h.
 */
#include <stdlib.h>
#include <string.h>

#include "export/batch.h"

static bool same_process(const struct batch_group *group, const struct reader_source *source)
{
	return group && group->resource.pid == source->header->pid &&
	       group->resource.generation == source->header->generation;
}

static void start_group(struct batch *b, const struct reader_source *source, const char *host)
{
	struct batch_group *group = arena_get(&b->arena, sizeof(*group));

	group->first = b->count;
	model_resource_read(&b->arena, source, host, &group->resource);
	if (b->last)
		b->last->next = group;
	else
		b->groups = group;
	b->last = group;
}

bool batch_add(struct batch *b, const struct reader_source *source, const char *host,
	       const struct record *record)
{
	if (b->count == BATCH_SPANS || b->used + record->size > BATCH_BYTES)
		return false;
	if (!b->data)
		b->data = memory_get(BATCH_BYTES);
	if (!same_process(b->last, source))
		start_group(b, source, host);
	b->offset[b->count++] = (uint32_t)b->used;
	memcpy(b->data + b->used, record, record->size);
	b->used += record->size;
	b->last->count++;
	return true;
}

const struct record *batch_record(const struct batch *b, uint32_t i)
{
	return (const struct record *)(const void *)(b->data + b->offset[i]);
}

void batch_reset(struct batch *b)
{
	arena_reset(&b->arena);
	b->groups = b->last = NULL;
	b->used = 0;
	b->count = 0;
}

void batch_free(struct batch *b)
{
	batch_reset(b);
	arena_free(&b->arena);
	free(b->data);
	b->data = NULL;
}
