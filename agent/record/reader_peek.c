/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading without changing anything, while writers write and a drainer may move records from ring
 * to spool under our hands. Per process: first the spool as far as it goes now, then each segment
 * from where the spool ended, then what was added to the spool meanwhile, without what we had out
 * of the segment already. Every batch in a spool names its segment and position, which makes that
 * possible.
 */
#include <errno.h>
#include <stdlib.h>

#include "record/reader_private.h"

struct peek {
	struct reader *r;
	struct reader_process *p;
	reader_sink *sink;
	void *arg;
	bool second;			/* the second walk over the spool */
	/*
	 * Per segment: spool records before `begin` and from `end` on were not delivered out of
	 * the ring.
	 */
	uint64_t begin[RING_SEGMENTS_MAX], end[RING_SEGMENTS_MAX];
};

static int peek_batch(void *arg, uint32_t segment, const struct reader_batch *batch)
{
	struct peek *k = arg;
	uint64_t done;

	if (k->second)
		return reader_deliver(k->r, k->p, batch, k->begin[segment], k->end[segment],
				      k->sink, k->arg, &done);
	if (batch->next > k->begin[segment])
		k->begin[segment] = batch->next;
	return reader_deliver(k->r, k->p, batch, UINT64_MAX, 0, k->sink, k->arg, &done);
}

/*
 * Records vanished at @position: were they moved to a spool? Else they were given up, or sent
 * elsewhere.
 */
static bool moved_to_spool(struct peek *k, uint32_t segment, uint64_t position)
{
	reader_spool_map(k->r, k->p, false);
	return reader_spool_position(k->p, segment) > position;
}

static int peek_segment(struct peek *k, uint32_t segment)
{
	struct ring_segment *seg = reader_ring_segment(k->p, segment);
	struct reader_batch batch;
	uint64_t tail, head, at, done;
	int ret = 0;

	at = k->end[segment] = k->begin[segment];
	if (!reader_segment_ends(seg, &tail, &head)) {
		k->r->stats.damaged++;
		return 0;
	}
	if (tail > at)
		at = tail;
	k->begin[segment] = k->end[segment] = at;
	while (at < head && ret == 0) {
		if (!reader_segment_copy(k->r, seg, at, head, &batch)) {
			k->r->stats.damaged++;
			return 0;
		}
		if (batch.position > at && moved_to_spool(k, segment, at))
			return 0;
		ret = reader_deliver(k->r, k->p, &batch, UINT64_MAX, 0, k->sink, k->arg, &done);
		at = k->end[segment] = batch.next;
	}
	return ret;
}

/* The header of the ring, else that of the spool. 0, or why there is neither. */
static int peek_open(struct reader *r, struct reader_process *p)
{
	/* The ring first: once it is mapped it may be removed. */
	int ret = reader_ring_map(r, p);

	if (ret == 0)
		ret = reader_header_copy(r, p, p->ring);
	if (ret < 0)
		reader_ring_unmap(r, p);
	if (reader_spool_map(r, p, false) == 0 && ret < 0)
		ret = reader_header_copy(r, p, p->spool);
	if (ret == -EPROTO || ret == -EPERM)
		r->stats.refused++;
	return ret;
}

static int peek_process(struct peek *k)
{
	struct reader *r = k->r;
	struct reader_process *p = k->p;
	uint64_t size;
	int ret;

	if (peek_open(r, p) < 0)
		return 0;
	size = reader_spool_size(p);
	ret = reader_spool_walk(r, p, 0, size, peek_batch, k);
	for (uint32_t i = 0; i < p->segments && ret == 0; i++)
		ret = peek_segment(k, i);
	if (ret == 0)
		reader_spool_map(r, p, false);
	k->second = true;
	if (ret == 0)
		ret = reader_spool_walk(r, p, size, reader_spool_size(p), peek_batch, k);
	return ret;
}

int64_t reader_peek(struct reader *reader, reader_sink *sink, void *arg)
{
	uint64_t before = reader->stats.records;
	struct peek *k = calloc(1, sizeof(*k));
	struct reader_id *ids = NULL;
	ssize_t n = k ? reader_list(reader, &ids) : -ENOMEM;
	int64_t ret = n < 0 ? n : 0;

	for (ssize_t i = 0; ids && i < n && ret == 0; i++) {
		struct reader_process p;

		reader_process_init(&p, &ids[i]);
		/* All positions start at 0: nothing was delivered. */
		*k = (struct peek){ .r = reader, .p = &p, .sink = sink, .arg = arg };
		ret = peek_process(k);
		reader_process_close(reader, &p);
	}
	free(ids);
	free(k);
	return ret < 0 ? ret : (int64_t)(reader->stats.records - before);
}
