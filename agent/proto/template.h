/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest parser of this room: frames that begin with their length, four bytes, the most
 * significant first. Nothing speaks it; it is here to be copied (README.md) and is kept compiling
 * by tests/unit/proto_template.c.
 *
 * Pure: no I/O, no clock, no allocation, no global.
 *
 * Context: any thread, signal-safe, no locks; one object must not be fed by two threads at once.
 */
#ifndef PROTO_TEMPLATE_H
#define PROTO_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#define TEMPLATE_FRAME_MAX (1u << 24)	/* a longer frame is BAD */

enum template_event {
	TEMPLATE_MORE,	/* everything was consumed, nothing to report */
	TEMPLATE_HEAD,	/* the length is complete: length is set */
	TEMPLATE_END,	/* the frame is complete; due with no byte left when it is empty */
	TEMPLATE_BAD,	/* not this protocol: opaque from here on, for ever */
};

struct template {
	uint32_t length;	/* of this frame, valid after HEAD until the next one */

	/* private */
	uint32_t left;
	uint8_t digits;		/* bytes of the length seen so far */
	uint8_t state;
};

void template_init(struct template *p);

/** Consumes *used of @len bytes up to the next event. Call again with the rest until MORE. */
enum template_event template_feed(struct template *p, const char *buf, size_t len, size_t *used);

#endif
