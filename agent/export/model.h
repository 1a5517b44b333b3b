/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A span and the process it comes from, read out of a record into a neutral form: what every
 * exporter (OTLP, JSON, text) is written from. Texts are NUL-terminated UTF-8 in the caller's
 * arena; attribute keys are unique, as OTLP demands.
 *
 * Names follow the OpenTelemetry semantic conventions for resources and HTTP spans.
 */
#ifndef EXPORT_MODEL_H
#define EXPORT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context/context.h"
#include "export/memory.h"
#include "record/reader.h"

#ifndef CTXAGENT_VERSION
#define CTXAGENT_VERSION "0.1.0"
#endif

#define MODEL_ATTRIBUTES_MAX 64u
#define MODEL_SCOPE "ctxagent"

struct model_attribute {
	const char *key;
	const char *text;		/* NULL: a number */
	int64_t number;
};

struct model_attributes {
	struct model_attribute *list;	/* NULL while count is 0 */
	uint32_t count;
	uint32_t dropped;		/* past MODEL_ATTRIBUTES_MAX */
};

/** The process that wrote a ring file. */
struct model_resource {
	const char *service;		/* service.name */
	const char *executable;
	uint32_t pid;
	uint64_t generation;
	uint64_t realtime_offset_ns;	/* wall time = CLOCK_MONOTONIC + this, modulo 2^64 */
	struct model_attributes attributes;
	struct model_attributes context;	/* CTXAGENT_CONTEXT: attributes of every span */
};

struct model_span {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8];
	bool has_parent;
	bool parent_remote;
	uint64_t start_ns, end_ns;	/* since 1970 */
	uint8_t kind;			/* enum record_span_kind */
	uint8_t tier; /* enum record_tier, TIER_NONE when the record's is unknown */
	uint8_t rule;
	uint8_t flags;
	uint8_t status;			/* enum record_status */
	uint32_t tid;
	const char *trace_state;	/* NULL: none */
	bool linked;			/* to a span that is not its parent: */
	struct span_context link;
	struct model_attributes attributes;
};

/** "none", "exact" and so on, for a value of enum record_tier. */
const char *model_tier_name(unsigned int tier);

/** Fills @out from a process's header. @host: host.name, or NULL to leave it out. */
void model_resource_read(struct arena *a, const struct reader_source *source, const char *host,
			 struct model_resource *out);

/**
 * Fills @out from one record of @resource. Attributes that are unknown or damaged are skipped.
 * Returns 0, or -EINVAL when the record is no span or its ids are all-zero.
 */
int model_span_read(struct arena *a, const struct model_resource *resource,
		    const struct record *record, struct model_span *out);

/** The attribute @key, or NULL. */
const struct model_attribute *model_find(const struct model_attributes *attributes,
					 const char *key);

/** OTLP's span name: the route being unknown, it is the method ("HTTP" when that is not known). */
const char *model_span_name(const struct model_span *span);

#endif
