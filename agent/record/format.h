/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that libctxagent.so and the ctxagent program share: the layout of a ring file. The library
 * writes it through shared memory, ctxagent reads it, also long after the writer was killed. Both
 * sides are of one machine, so numbers are in its byte order.
 *
 *     file    = header (RING_HEADER_SIZE bytes) segment*
 *     segment = struct ring_segment, then data: RING_SEGMENT_SIZE bytes in all
 *     data    = a circle of records; positions count bytes since the segment began and never wrap,
 *               a record begins at position % data size, is contiguous and 8-byte aligned
 *     record  = struct record, payload
 *
 * A *spool* file is what a reader has taken out of a ring: the same header, which also says how
 * far the spool goes (struct spool_state), then batches: a struct record_batch, then records as
 * they lay in the ring. Both files are named <pid>-<generation as 16 hex digits> and one of the
 * suffixes below.
 *
 * Raise FORMAT_VERSION whenever a layout below changes or a record kind changes its meaning; a
 * new record kind or attribute does not need it: readers skip what they do not know by its size.
 *
 * A reader treats every number in here as hostile: the writer may change it at any moment.
 */
#ifndef RECORD_FORMAT_H
#define RECORD_FORMAT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_MAGIC 0x31474e4952585443ull	/* "CTXRING1" */
#define FORMAT_VERSION 1u

#define RING_SUFFIX ".ring"
#define SPOOL_SUFFIX ".spool"

#define RING_HEADER_SIZE 65536u	/* a multiple of every page size: segments are mapped alone */
#define RING_SEGMENT_SIZE (256u * 1024)
#define RING_SEGMENTS_MAX 256u
#define RING_COUNTERS_MAX 256u
#define RING_COUNTER_NAME_MAX 40u
#define RING_TEXT_SIZE 4096u

/** Who writes this file, and how to read its clock. Written once, before `ready` is set. */
struct ring_header {
	uint64_t magic;
	uint32_t version;
	_Atomic uint32_t ready;		/* 1 once everything above the counters is valid */
	uint32_t pid;
	uint32_t uid;
	uint64_t generation;		/* random: names this process generation and its forks */
	uint64_t start_monotonic_ns;	/* both clocks at the same moment: */
	uint64_t start_realtime_ns;	/* wall time of t = t - start_monotonic + start_realtime */
	_Atomic uint64_t reader_seen_ns; /* CLOCK_MONOTONIC of the reader's last visit; 0: never */
	_Atomic uint32_t segments;	/* how many segments the file holds */
	uint32_t counter_count;
	uint32_t executable_len;	/* in text, one after the other: executable name, */
	uint32_t service_len;		/* OTEL_SERVICE_NAME, or empty */
	uint32_t resource_len;		/* OTEL_RESOURCE_ATTRIBUTES as given, or empty */
	uint32_t context_len;		/* CTXAGENT_CONTEXT as given, or empty */
	char text[RING_TEXT_SIZE];
	_Atomic uint64_t counters[RING_COUNTERS_MAX];	/* in the order of counter_name() */
};
_Static_assert(sizeof(struct ring_header) <= RING_HEADER_SIZE, "the header fits its room");
_Static_assert(offsetof(struct ring_header, text) == 80, "layout of version 1");
_Static_assert(offsetof(struct ring_header, counters) == 80 + RING_TEXT_SIZE,
	       "layout of version 1");

/**
 * One thread writes a segment at a time: the one that set `owner`, for the length of one record.
 * `head` is moved by the writer after the record is complete, `tail` by whoever gives up the
 * oldest record: the reader that has copied it, or, when no reader is alive, the writer that
 * needs its room. Both sides move `tail` by compare-and-swap.
 */
struct ring_segment {
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
	_Alignas(64) _Atomic uint32_t owner;	/* 1 while a record is being written; 0: free */
	uint32_t unused;
};
_Static_assert(sizeof(struct ring_segment) == 192, "layout of version 1");

#define RING_DATA_SIZE (RING_SEGMENT_SIZE - (uint32_t)sizeof(struct ring_segment))
#define RECORD_MAX 16384u		/* bytes of one record, header included */
#define RECORD_ALIGN 8u

enum record_kind {
	RECORD_PAD = 1,			/* the rest of the circle: skip `size` bytes */
	RECORD_SPAN = 2,
	RECORD_BATCH = 3,		/* spools only */
};

/** Begins every record. */
struct record {
	uint32_t size;			/* whole record, a multiple of RECORD_ALIGN */
	uint16_t kind;			/* enum record_kind */
	uint16_t check;			/* record_check(position): tells a record from old bytes */
};
_Static_assert(sizeof(struct record) == 8, "layout of version 1");

/**
 * In a spool, records carry the check of the position they had in their ring, batches that of
 * their offset.
 */
static inline uint16_t record_check(uint64_t position)
{
	return (uint16_t)((position >> 3) * 40503u + 1);
}

/** Heads @bytes of records, which lay one after the other in @segment from @position on. */
struct record_batch {
	struct record record;
	uint32_t segment;
	uint32_t bytes;
	uint64_t position;
};
_Static_assert(sizeof(struct record_batch) == 24, "layout of version 1");

/**
 * At SPOOL_STATE_OFFSET of a spool's header. `size` makes a batch valid: it is stored after the
 * batch's bytes and before the ring's tail moves. With `spooled` a record is never read from both
 * files, nor spooled twice, whoever dies in between.
 */
#define SPOOL_STATE_OFFSET 16384u
struct spool_state {
	_Atomic uint64_t size;		/* valid bytes behind the header */
	_Atomic uint64_t batch_at;	/* of the newest batch: it counts even if `spooled` lags */
	/* Per segment: records before this position are in here. */
	_Atomic uint64_t spooled[RING_SEGMENTS_MAX];
};
_Static_assert(sizeof(struct ring_header) <= SPOOL_STATE_OFFSET,
	       "the spool's state lies behind the header");
_Static_assert(SPOOL_STATE_OFFSET + sizeof(struct spool_state) <= RING_HEADER_SIZE,
	       "both fit the header's room");

enum record_span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3 };	/* OTLP's numbers */
enum record_tier { TIER_NONE, TIER_EXACT, TIER_WITNESSED, TIER_INFERRED, TIER_AMBIGUOUS };
enum record_status { STATUS_UNSET, STATUS_OK, STATUS_ERROR };			/* OTLP's numbers */

/** A finished span. Attributes follow, then padding. All-zero parent: a root. */
struct record_span {
	struct record record;
	uint64_t start_ns, end_ns;	/* CLOCK_MONOTONIC */
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8];
	uint32_t tid;
	uint8_t kind;			/* enum record_span_kind */
	uint8_t tier;			/* enum record_tier: how sure the parent is */
	uint8_t rule;			/* rule number of the causality rules, 0: none */
	uint8_t flags;			/* trace flags */
	uint8_t status;			/* enum record_status */
	uint8_t parent_remote;		/* 1: the parent is a span of another process */
	uint16_t attributes;		/* how many */
	uint32_t attributes_size;	/* their bytes */
};
_Static_assert(sizeof(struct record_span) == 72, "layout of version 1");

/** One attribute: header, then value, padded to RECORD_ALIGN. */
struct record_attribute {
	uint16_t key;			/* enum record_attribute_key */
	uint16_t len;			/* bytes of the value: text, or 8 for a number */
	uint32_t unused;
};

enum record_attribute_key {
#define ATTRIBUTE(id, name, type) ATTRIBUTE_##id,
#include "record/attribute.def"
#undef ATTRIBUTE
	ATTRIBUTE_COUNT,
};

#endif
