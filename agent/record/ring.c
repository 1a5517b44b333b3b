/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records into shared memory: one reservation, one release store. Called by span.c and by carry/,
 * with the agent's guard held. Must never block: a lock that is taken means "somewhere else" or
 * "next time".
 *
 * A segment belongs to a thread for the length of one record. A thread stays with its segment
 * until another thread is found in it or it is full; then it looks for another one, lets the file
 * grow, and only then refuses the record (a reader is alive: it will make room) or gives up the
 * oldest ones (nobody reads: keep the latest).
 */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/sys.h"
#include "record/counter.h"
#include "record/ring_file.h"
#include "record/ring_segment.h"

#define READER_ALIVE_NS 5000000000ll
#define SCAN_AGAIN_NS 1000000u
#define GROW_AGAIN_NS 1000000000u
#define SPINS 256			/* every segment is being written to: some microseconds */

static struct ring ring;

/* ---- a process's ring ---- */

/* The generation of the ring that this process may write to; 0: none. */
static ALWAYS_INLINE uint64_t ring_mine(void)
{
	uint64_t generation = atomic_load_explicit(&ring.generation, memory_order_acquire);

	return likely(generation && *ring.alive) ? generation : 0;
}

bool ring_is_open(void)
{
	return ring_mine() != 0;
}

static int open_locked(const struct ring_identity *identity)
{
	int ret;

	if (atomic_load_explicit(&ring.generation, memory_order_relaxed) == identity->generation)
		return 0;
	if (ring.failed == identity->generation)
		return ring.error;
	ring_file_alive(&ring);
	ret = ring_file_make(&ring, identity);
	if (ret < 0) {
		ring.failed = identity->generation;
		ring.error = ret;
		ring_count(COUNTER_RING_FAILED, 1);
		return ret;
	}
	ring_counters_use(ring.header->counters);
	/* Pairs with ring_mine(): who sees the generation sees the rest. */
	atomic_store_explicit(&ring.generation, identity->generation, memory_order_release);
	return 0;
}

int ring_open(const struct ring_identity *identity)
{
	uint64_t generation = atomic_load_explicit(&ring.generation, memory_order_acquire);
	int ret;

	if (!identity->generation)
		return -EINVAL;
	/* A child that nobody told about its fork. */
	if (generation && !*ring.alive)
		ring_forget();
	else if (generation)
		return generation == identity->generation ? 0 : -EEXIST;
	if (atomic_load_explicit(&ring.sealed, memory_order_relaxed))
		return -EPERM;
	if (atomic_exchange_explicit(&ring.opening, 1, memory_order_acquire))
		return -EAGAIN;
	ret = open_locked(identity);
	atomic_store_explicit(&ring.opening, 0, memory_order_release);
	return ret;
}

int ring_extend(uint32_t bytes)
{
	struct ring_segment *seg;
	uint32_t index;
	int error = 0;

	while (ring_mine() && atomic_load_explicit(&ring.segments, memory_order_relaxed) < ring.segments_max &&
	       (uint64_t)atomic_load_explicit(&ring.segments, memory_order_relaxed) * RING_SEGMENT_SIZE < bytes) {
		seg = ring_file_grow(&ring, &index, &error);
		if (!seg)
			return error ? error : -EAGAIN;
		segment_put(seg);
	}
	return 0;
}

void ring_forget(void)
{
	atomic_store_explicit(&ring.generation, 0, memory_order_relaxed);
	ring_counters_reset();
	if (!atomic_load_explicit(&ring.sealed, memory_order_relaxed))
		ring_file_sever(&ring);
	ring.header = NULL;
	atomic_store_explicit(&ring.segments, 0, memory_order_relaxed);
	atomic_store_explicit(&ring.scan_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&ring.grow_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&ring.growing, 0, memory_order_relaxed);
	atomic_store_explicit(&ring.opening, 0, memory_order_release);
}

void ring_seal(void)
{
	atomic_store_explicit(&ring.sealed, 1, memory_order_release);
}

/* A reader has been here less than five seconds ago. Its clock may be a little ahead of ours. */
static bool ring_has_reader(uint64_t now_ns)
{
	uint64_t seen = atomic_load_explicit(&ring.header->reader_seen_ns, memory_order_relaxed);
	int64_t age = (int64_t)(now_ns - seen);

	return seen && age < READER_ALIVE_NS && age > -READER_ALIVE_NS;
}

/* ---- finding a segment ---- */

static void *writer_settle(struct ring_writer *w, struct ring_segment *seg, uint32_t index,
			   uint32_t size)
{
	w->segment = seg;
	w->index = index;
	w->since = atomic_load_explicit(&seg->head, memory_order_relaxed);
	w->spare = w->since + RING_DATA_SIZE / 2;
	return segment_reserve(seg, w, size);
}

/*
 * The next segment from the writer's own on that nobody is in and that has @room bytes (0: or is
 * given some). *busy: there was one, but somebody was in it.
 */
static void *writer_scan(struct ring_writer *w, uint32_t size, uint32_t room, bool *busy)
{
	uint32_t n = atomic_load_explicit(&ring.segments, memory_order_acquire);

	*busy = false;
	for (uint32_t i = 1; i <= n; i++) {
		uint32_t index = (w->index + i) % n;
		struct ring_segment *seg =
			atomic_load_explicit(&ring.segment[index], memory_order_relaxed);

		if (room && !segment_fits(seg, room))
			continue;
		if (!segment_take(seg)) {
			*busy = true;
			continue;
		}
		if (!room || segment_fits(seg, room)) {
			if (!segment_fits(seg, size))
				segment_overwrite(seg, size);
			return writer_settle(w, seg, index, size);
		}
		segment_put(seg);
	}
	return NULL;
}

/* One more segment, ours, or NULL. *busy: another thread is at it. */
static struct ring_segment *ring_grow(uint64_t now_ns, uint32_t *index, bool *busy)
{
	uint64_t again = atomic_load_explicit(&ring.grow_ns, memory_order_relaxed);
	struct ring_segment *seg;
	int error;

	if (atomic_load_explicit(&ring.segments, memory_order_relaxed) >= ring.segments_max)
		return NULL;
	if (atomic_load_explicit(&ring.sealed, memory_order_acquire) ||
	    again - now_ns - 1 < GROW_AGAIN_NS)
		return NULL;
	seg = ring_file_grow(&ring, index, &error);
	if (!seg && !error)
		*busy = true;
	if (error) {
		atomic_store_explicit(&ring.grow_ns, now_ns + GROW_AGAIN_NS, memory_order_relaxed);
		ring_count(COUNTER_RING_FAILED, 1);
	}
	return seg;
}

/*
 * The writer's segment is half full. Growing takes a hundred times as long as a record: when it
 * is done now, no thread finds itself without room meanwhile.
 */
static NOINLINE void writer_spare(struct ring_writer *w, uint64_t now_ns)
{
	uint32_t n = atomic_load_explicit(&ring.segments, memory_order_acquire), index;
	struct ring_segment *seg;
	bool busy;

	w->spare = UINT64_MAX;
	for (uint32_t i = 0; i < n && n < ring.segments_max; i++) {
		seg = atomic_load_explicit(&ring.segment[i], memory_order_relaxed);
		if (seg != w->segment && segment_fits(seg, RING_DATA_SIZE / 2))
			return;
	}
	seg = ring_grow(now_ns, &index, &busy);
	if (seg)
		segment_put(seg);
}

/*
 * Room elsewhere: in another segment, or in a new one. When nobody reads, what a full segment has
 * left is not worth leaving our own for: it would give up its oldest records before their time.
 */
static void *writer_elsewhere(struct ring_writer *w, uint32_t size, uint64_t now_ns, bool reader)
{
	struct ring_segment *seg;
	uint32_t index;
	bool busy = true;
	void *at = NULL;

	for (int i = 0; !at && busy && i < SPINS; i++) {
		at = writer_scan(w, size, reader ? size : RING_DATA_SIZE / 4, &busy);
		seg = at ? NULL : ring_grow(now_ns, &index, &busy);
		if (seg)
			at = writer_settle(w, seg, index, size);
		else if (!at)
			cpu_relax();
	}
	if (!at && !busy)
		atomic_store_explicit(&ring.scan_ns, now_ns + SCAN_AGAIN_NS, memory_order_relaxed);
	return at;
}

/* Whether giving up what is from before we came is enough. */
static bool writer_has_old(const struct ring_writer *w, uint32_t size)
{
	uint64_t head = atomic_load_explicit(&w->segment->head, memory_order_relaxed);

	return segment_begin(head, size) + size <= w->since + RING_DATA_SIZE;
}

/*
 * Gives up old records for new ones: in our own segment, then in the one that was left longest
 * ago.
 */
static void *writer_overwrite(struct ring_writer *w, uint32_t size, bool own)
{
	struct ring_segment *seg = w->segment;
	bool busy = true;
	void *at = NULL;

	if (own && writer_has_old(w, size)) {
		segment_overwrite(seg, size);
		return segment_reserve(seg, w, size);
	}
	if (own) {
		/* What little is old here is older than all of the next one. */
		segment_forget(seg, w->since);
		segment_put(seg);
	}
	for (int i = 0; !at && busy && i < SPINS; i++) {
		at = writer_scan(w, size, 0, &busy);
		if (!at)
			cpu_relax();
	}
	return at;
}

/* The writer's segment is taken or full. @full: it is ours at the moment and must be put back. */
static NOINLINE void *writer_move(struct ring_writer *w, uint32_t size, uint64_t now_ns, bool full)
{
	uint64_t again = atomic_load_explicit(&ring.scan_ns, memory_order_relaxed);
	struct ring_segment *seg = w->segment;
	bool reader = ring_has_reader(now_ns);
	void *at = NULL;

	/* Once nothing had room, look again only now and then: each look touches every segment. */
	if (again - now_ns - 1 >= SCAN_AGAIN_NS || !full)
		at = writer_elsewhere(w, size, now_ns, reader);
	if (!at && !reader)
		return writer_overwrite(w, size, full);
	if (full)
		segment_put(seg);
	return at;
}

static void *writer_reserve(struct ring_writer *w, uint32_t size, uint64_t now_ns)
{
	struct ring_segment *seg = w->segment;
	void *at;

	if (unlikely(!seg)) {
		/* The first time: threads begin at different places. */
		w->index = (uint32_t)((uintptr_t)w >> 6);
		return writer_move(w, size, now_ns, false);
	}
	if (unlikely(!segment_take(seg)))
		return writer_move(w, size, now_ns, false);
	if (unlikely(!segment_fits(seg, size)))
		return writer_move(w, size, now_ns, true);
	at = segment_reserve(seg, w, size);
	if (unlikely(w->position >= w->spare))
		writer_spare(w, now_ns);
	return at;
}

void *ring_reserve(struct ring_writer *w, size_t size, uint64_t now_ns)
{
	uint64_t generation = ring_mine();
	void *at = NULL;

	if (unlikely(w->reserved || w->generation != generation)) {
		ring_release(w);
		memset(w, 0, sizeof(*w));
		w->generation = generation;
	}
	size = (size + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
	if (likely(generation && size >= sizeof(struct record) && size <= RECORD_MAX))
		at = writer_reserve(w, (uint32_t)size, now_ns);
	/* In a child that has not noticed its fork the counters are still the parent's. */
	if (unlikely(!at) &&
	    (generation || !atomic_load_explicit(&ring.generation, memory_order_relaxed)))
		ring_count(COUNTER_RING_DROPPED, 1);
	return at;
}

void ring_commit(struct ring_writer *w)
{
	struct ring_segment *seg = w->segment;
	struct record *record;
	uint32_t size;

	if (unlikely(!w->reserved))
		return;
	if (unlikely(w->generation != ring_mine())) {
		w->reserved = 0;
		return;
	}
	record = (struct record *)(segment_data(seg) + w->position % RING_DATA_SIZE);
	size = (record->size + RECORD_ALIGN - 1) & ~(RECORD_ALIGN - 1);
	if (likely(record->size >= sizeof(*record) && size <= w->reserved)) {
		record->size = size;
		record->check = record_check(w->position);
		/*
		 * Pairs with the reader's acquire load: whoever sees the new head sees a whole
		 * record.
		 */
		atomic_store_explicit(&seg->head, w->position + size, memory_order_release);
	}
	w->reserved = 0;
	segment_put(seg);
}

void ring_release(struct ring_writer *w)
{
	if (w->reserved && w->generation == ring_mine())
		segment_put(w->segment);
	w->reserved = 0;
}
