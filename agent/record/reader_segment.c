/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records out of a segment that is being written to: copied first, then found valid or not.
 * Called by reader_peek.c and reader_drain.c. Must never look at shared bytes twice, and never
 * past a segment.
 *
 * Why a copy can be trusted: whoever gives up a record moves tail over it before its bytes
 * change. So what lies at or behind the tail that is read *after* copying was whole while it was
 * copied.
 */
#include <string.h>

#include "record/reader_private.h"

#define ENDS_TRIES 16

bool reader_segment_ends(struct ring_segment *seg, uint64_t *tail, uint64_t *head)
{
	for (int i = 0; i < ENDS_TRIES; i++) {
		/* Acquire: pairs with ring_commit(); the records before head are complete. */
		*head = atomic_load_explicit(&seg->head, memory_order_acquire);
		*tail = atomic_load_explicit(&seg->tail, memory_order_acquire);
		/* In between the writer may have gone once around. */
		if (*tail <= *head && *head - *tail <= RING_DATA_SIZE)
			return !((*tail | *head) & (RECORD_ALIGN - 1));
	}
	return false;
}

/* Word by word: no word is read twice, and none is torn. */
static void copy_words(char *to, const char *from, uint32_t len)
{
	uint64_t *words = (uint64_t *)to;

	for (uint32_t i = 0; i < len / 8; i++)
		words[i] = __atomic_load_n((const uint64_t *)from + i, __ATOMIC_RELAXED);
}

bool reader_records_check(const char *bytes, uint32_t len, uint64_t position, bool cut,
			  uint32_t *whole)
{
	uint32_t at = 0;

	while (at < len) {
		const struct record *record = (const struct record *)(bytes + at);

		if (record->size < sizeof(*record) || record->size > RECORD_MAX ||
		    record->size % RECORD_ALIGN || record->check != record_check(position + at))
			return false;
		if (record->size > len - at)
			break;
		at += record->size;
	}
	*whole = at;
	return at == len || (cut && at);
}

bool reader_segment_copy(struct reader *r, struct ring_segment *seg, uint64_t position,
			 uint64_t head, struct reader_batch *out)
{
	const char *data = (const char *)seg + sizeof(*seg);
	uint32_t off = (uint32_t)(position % RING_DATA_SIZE), len = RING_DATA_SIZE - off;
	uint64_t tail;

	if (len > head - position)
		len = (uint32_t)(head - position);
	if (len > READER_BATCH)
		len = READER_BATCH;
	copy_words(r->buffer, data + off, len);
	/* Pairs with the release fence between the writer's move of tail and its new bytes. */
	atomic_thread_fence(memory_order_acquire);
	tail = atomic_load_explicit(&seg->tail, memory_order_relaxed);

	out->bytes = r->buffer;
	out->position = position;
	out->len = 0;
	if (tail > position) {
		if (tail % RECORD_ALIGN)
			return false;
		out->position = tail < head ? tail : head;
		if (tail - position >= len) {
			out->next = out->position;
			return true;
		}
		out->bytes += tail - position;
		len -= (uint32_t)(tail - position);
	}
	if (!reader_records_check(out->bytes, len, out->position,
				  out->bytes + len == r->buffer + READER_BATCH, &out->len))
		return false;
	out->next = out->position + out->len;
	return true;
}

void reader_segment_release(struct ring_segment *seg, uint64_t position)
{
	uint64_t tail = atomic_load_explicit(&seg->tail, memory_order_relaxed);

	/*
	 * Release: the writer may overwrite from here on; our copy is made. Tail never goes back.
	 */
	while (tail < position)
		if (atomic_compare_exchange_weak_explicit(&seg->tail, &tail, position,
							  memory_order_release,
							  memory_order_relaxed))
			return;
}

int reader_deliver(struct reader *r, const struct reader_process *p,
		   const struct reader_batch *batch, uint64_t below, uint64_t above,
		   reader_sink *sink, void *arg, uint64_t *done)
{
	struct reader_source source = reader_source_of(r, p);
	uint32_t at = 0;

	*done = batch->position;
	while (at < batch->len) {
		const struct record *record = (const struct record *)(batch->bytes + at);
		uint64_t position = batch->position + at;
		bool wanted = position < below || position >= above;

		if (record->kind != RECORD_PAD && record->kind != RECORD_BATCH && wanted) {
			int ret = sink(arg, &source, record);

			if (ret < 0)
				return ret;
			r->stats.records++;
		}
		at += record->size;
		*done = batch->position + at;
	}
	return 0;
}
