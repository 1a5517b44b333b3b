/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing one span record, attribute by attribute, straight into the reserved room. Called by
 * carry/. An attribute that does not fit is left out and counted; a span never is, for that
 * reason.
 */
#ifndef RECORD_SPAN_H
#define RECORD_SPAN_H

#include <stddef.h>
#include <stdint.h>

#include "record/format.h"
#include "record/ring.h"

/** Bytes reserved for one span; what it does not use is given back at span_end(). */
#define SPAN_ROOM 4096u

struct span_writer {
	struct record_span *span;	/* NULL: no room, everything below is a no-op */
	char *at, *end;
};

void span_begin(struct span_writer *s, struct ring_writer *w, uint64_t now_ns);
void span_text(struct span_writer *s, enum record_attribute_key key, const char *text, size_t len);
void span_number(struct span_writer *s, enum record_attribute_key key, int64_t value);
void span_end(struct span_writer *s, struct ring_writer *w);

#endif
