/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out in one export request: up to BATCH_SPANS raw records, grouped by the process they
 * come from. Records stay raw: what could not be delivered in one encoding is kept in another.
 */
#ifndef EXPORT_BATCH_H
#define EXPORT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/memory.h"
#include "export/model.h"
#include "record/reader.h"

#define BATCH_SPANS 512u
#define BATCH_BYTES (1024u * 1024) /* of raw records; a batch is full at whichever comes first */

/** Consecutive records of one process. */
struct batch_group {
	struct batch_group *next;
	struct model_resource resource;
	uint32_t first, count;
};

/** All-zero is an empty batch. */
struct batch {
	struct arena arena;
	struct batch_group *groups, *last;
	char *data;
	size_t used;
	uint32_t count;
	uint32_t offset[BATCH_SPANS];		/* of record i in data */
};

/**
 * Takes a copy of @record. False: no room, send and batch_reset() first, then add it again; never
 * false on an empty batch. @host as for model_resource_read().
 */
bool batch_add(struct batch *b, const struct reader_source *source, const char *host,
	       const struct record *record);
const struct record *batch_record(const struct batch *b, uint32_t i);
void batch_reset(struct batch *b);
void batch_free(struct batch *b);

#endif
