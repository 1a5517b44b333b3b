/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of the ring as its writer sees it: taken, filled, given back. Included by ring.c
 * only, inline because a record must cost no more than a few nanoseconds. The reader's view is in
 * reader_segment.c; both together are the whole protocol.
 */
#ifndef RECORD_RING_SEGMENT_H
#define RECORD_RING_SEGMENT_H

#include <string.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "record/counter.h"
#include "record/ring.h"

_Static_assert(RING_DATA_SIZE % RECORD_ALIGN == 0, "records stay aligned when the circle closes");

static inline char *segment_data(struct ring_segment *seg)
{
	return (char *)seg + sizeof(*seg);
}

static ALWAYS_INLINE bool segment_take(struct ring_segment *seg)
{
	uint32_t nobody = 0;

	/* Acquire: pairs with segment_put() of the thread that wrote before us. */
	return swap_if_u32(&seg->owner, &nobody, 1);
}

static ALWAYS_INLINE void segment_put(struct ring_segment *seg)
{
	atomic_store_explicit(&seg->owner, 0, memory_order_release);
}

/* Where a record of @size bytes would begin: at the head, or behind the rest of the circle. */
static ALWAYS_INLINE uint64_t segment_begin(uint64_t head, uint32_t size)
{
	uint32_t rest = RING_DATA_SIZE - (uint32_t)(head % RING_DATA_SIZE);

	return rest < size ? head + rest : head;
}

static ALWAYS_INLINE bool segment_fits(struct ring_segment *seg, uint32_t size)
{
	uint64_t head = atomic_load_explicit(&seg->head, memory_order_relaxed);
	/*
	 * Acquire: pairs with the reader's move of tail, before which it has copied what we
	 * overwrite.
	 */
	uint64_t tail = atomic_load_explicit(&seg->tail, memory_order_acquire);

	return segment_begin(head, size) + size - tail <= RING_DATA_SIZE;
}

/* The segment is ours and has room. Nothing is visible before ring_commit() moves head over it. */
static ALWAYS_INLINE void *segment_reserve(struct ring_segment *seg, struct ring_writer *w,
					   uint32_t size)
{
	uint64_t head = atomic_load_explicit(&seg->head, memory_order_relaxed);
	uint64_t begin;

	head &= ~(uint64_t)(RECORD_ALIGN - 1);
	begin = segment_begin(head, size);
	if (unlikely(begin != head)) {
		struct record *pad = (struct record *)(segment_data(seg) + head % RING_DATA_SIZE);

		pad->size = (uint32_t)(begin - head);
		pad->kind = RECORD_PAD;
		pad->check = record_check(head);
	}
	w->position = begin;
	w->reserved = size;
	return segment_data(seg) + begin % RING_DATA_SIZE;
}

/* Where the record after the one at @at begins; @head when the bytes make no sense. */
static inline uint64_t segment_next(struct ring_segment *seg, uint64_t at, uint64_t head,
				    uint64_t *records)
{
	uint32_t off = (uint32_t)(at % RING_DATA_SIZE);
	struct record record;

	if (off > RING_DATA_SIZE - sizeof(record))
		return head;
	memcpy(&record, segment_data(seg) + off, sizeof(record));
	if (record.size < sizeof(record) || record.size > head - at ||
	    record.size > RING_DATA_SIZE - off)
		return head;
	*records += record.kind != RECORD_PAD;
	return at + record.size;
}

/* Gives up the oldest records, until none before position @needed is left. */
static NOINLINE void segment_forget(struct ring_segment *seg, uint64_t needed)
{
	uint64_t head = atomic_load_explicit(&seg->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&seg->tail, memory_order_acquire);
	uint64_t at, records, counted = 0;

	/*
	 * A reader that comes back just now may move tail too: then count again from there.
	 * Counted before it is done, so that whoever is killed in between leaves no gap that is
	 * not explained.
	 */
	do {
		at = tail;
		records = 0;
		if (at > head || head - at > RING_DATA_SIZE)
			at = head;
		while (at < needed && at != head)
			at = segment_next(seg, at, head, &records);
		if (records != counted)
			ring_count(COUNTER_RING_OVERWRITTEN, records - counted);
		counted = records;
	} while (at != tail &&
		 !atomic_compare_exchange_weak_explicit(&seg->tail, &tail, at, memory_order_acq_rel,
							memory_order_acquire));
	/* Pairs with the acquire fence of a reader between copying and looking at tail again. */
	atomic_thread_fence(memory_order_release);
}

/* Gives up the oldest records until @size bytes fit. */
static inline void segment_overwrite(struct ring_segment *seg, uint32_t size)
{
	uint64_t head = atomic_load_explicit(&seg->head, memory_order_relaxed);
	uint64_t end = segment_begin(head, size) + size;

	segment_forget(seg, end > RING_DATA_SIZE ? end - RING_DATA_SIZE : 0);
}

#endif
