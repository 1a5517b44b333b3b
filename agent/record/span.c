/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One span record, attribute by attribute. Called by carry/; writes into the room that
 * ring_reserve() gave, never past it.
 */
#include <string.h>

#include "record/counter.h"
#include "record/span.h"

_Static_assert(SPAN_ROOM <= RECORD_MAX, "a span is one record");

static size_t padded(size_t len)
{
	return (len + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
}

void span_begin(struct span_writer *s, struct ring_writer *w, uint64_t now_ns)
{
	s->at = s->end = NULL;
	s->span = ring_reserve(w, SPAN_ROOM, now_ns);
	if (!s->span)
		return;
	memset(s->span, 0, sizeof(*s->span));
	s->span->record.kind = RECORD_SPAN;
	s->at = (char *)(s->span + 1);
	s->end = (char *)s->span + SPAN_ROOM;
}

/*
 * Room for a value of @len bytes, with its header written and its padding zeroed; NULL: none
 * (counted).
 */
static char *span_attribute(struct span_writer *s, enum record_attribute_key key, size_t len)
{
	struct record_attribute *a;

	if (!s->span)
		return NULL;
	if (len > UINT16_MAX || padded(len) + sizeof(*a) > (size_t)(s->end - s->at)) {
		ring_count(COUNTER_ATTRIBUTES_DROPPED, 1);
		return NULL;
	}
	a = (struct record_attribute *)s->at;
	a->key = (uint16_t)key;
	a->len = (uint16_t)len;
	a->unused = 0;
	s->at += sizeof(*a) + padded(len);
	if (len % RECORD_ALIGN)
		memset(s->at - RECORD_ALIGN, 0, RECORD_ALIGN);
	s->span->attributes++;
	return (char *)(a + 1);
}

void span_text(struct span_writer *s, enum record_attribute_key key, const char *text, size_t len)
{
	char *at = span_attribute(s, key, len);

	if (at && len)
		memcpy(at, text, len);
}

void span_number(struct span_writer *s, enum record_attribute_key key, int64_t value)
{
	char *at = span_attribute(s, key, sizeof(value));

	if (at)
		memcpy(at, &value, sizeof(value));
}

void span_end(struct span_writer *s, struct ring_writer *w)
{
	if (!s->span)
		return;
	s->span->attributes_size = (uint32_t)(s->at - (char *)(s->span + 1));
	s->span->record.size = (uint32_t)(s->at - (char *)s->span);
	s->span = NULL;
	ring_commit(w);
}
