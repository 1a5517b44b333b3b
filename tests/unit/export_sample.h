/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records and headers made by hand for the export tests: what a traced program would have written.
 */
#ifndef TESTS_EXPORT_SAMPLE_H
#define TESTS_EXPORT_SAMPLE_H

#include <stdlib.h>
#include <string.h>

#include "record/reader.h"

#define SAMPLE_MONOTONIC 5000000000ull
#define SAMPLE_REALTIME 1700000000000000000ull

struct sample {
	struct ring_header header;
	struct reader_source source;
	_Alignas(8) char bytes[RECORD_MAX];
};

static inline void sample_header(struct sample *s, const char *executable, const char *service,
				 const char *resource, const char *context)
{
	struct ring_header *h = &s->header;
	char *at = h->text;

	memset(s, 0, sizeof(*s));
	h->magic = FORMAT_MAGIC;
	h->version = FORMAT_VERSION;
	h->pid = 4242;
	h->generation = 77;
	h->start_monotonic_ns = SAMPLE_MONOTONIC;
	h->start_realtime_ns = SAMPLE_REALTIME;
	h->executable_len = (uint32_t)strlen(executable);
	h->service_len = (uint32_t)strlen(service);
	h->resource_len = (uint32_t)strlen(resource);
	h->context_len = (uint32_t)strlen(context);
	at = stpcpy(at, executable);
	at = stpcpy(at, service);
	at = stpcpy(at, resource);
	stpcpy(at, context);
	s->source.header = h;
	s->source.name = "4242-77";
}

/** Starts a span of 3 ms with ids made of the bytes @trace, @span and @parent (0: none). */
static inline struct record_span *sample_span(struct sample *s, uint8_t trace, uint8_t span,
					      uint8_t parent)
{
	struct record_span *r = (struct record_span *)(void *)s->bytes;

	memset(s->bytes, 0, sizeof(s->bytes));
	r->record.kind = RECORD_SPAN;
	r->record.size = sizeof(*r);
	memset(r->trace_id, trace, sizeof(r->trace_id));
	memset(r->span_id, span, sizeof(r->span_id));
	memset(r->parent_id, parent, sizeof(r->parent_id));
	r->start_ns = SAMPLE_MONOTONIC + 1000000;
	r->end_ns = SAMPLE_MONOTONIC + 4000000;
	r->kind = SPAN_SERVER;
	r->tier = TIER_EXACT;
	r->flags = 1;
	return r;
}

static inline void sample_bytes(struct record_span *r, unsigned int key, const void *value,
				size_t len)
{
	struct record_attribute a = { .key = (uint16_t)key, .len = (uint16_t)len };
	char *at = (char *)r + r->record.size;
	uint32_t padded = (uint32_t)(len + 7) & ~7u;

	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), value, len);
	r->attributes++;
	r->attributes_size += (uint32_t)sizeof(a) + padded;
	r->record.size += (uint32_t)sizeof(a) + padded;
}

static inline void sample_text(struct record_span *r, unsigned int key, const char *text)
{
	sample_bytes(r, key, text, strlen(text));
}

static inline void sample_number(struct record_span *r, unsigned int key, int64_t number)
{
	sample_bytes(r, key, &number, sizeof(number));
}

#endif
