/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking records out of the rings of running programs, for as long as they run. Called in a loop
 * by `ctxagent run` and the exporter. A visit with nothing to take touches one cache line or two
 * per segment and makes no system call; the directory is looked at now and then.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/reader_private.h"

#define MS 1000000u
#define CHECK_NS (100u * MS)		/* who is alive? */
#define HELLO_NS (250u * MS)		/* tell the writers; they believe it for seconds */

struct drain {
	struct reader *r;
	struct reader_process *p;
	reader_sink *sink;
	void *arg;
};

/* ---- one process ---- */

static void say_hello(struct reader_process *p, uint64_t now_ns)
{
	struct ring_header *h = (struct ring_header *)p->ring;

	if (p->seen_ns && now_ns - p->seen_ns < HELLO_NS)
		return;
	p->seen_ns = now_ns;
	atomic_store_explicit(&h->reader_seen_ns, now_ns, memory_order_relaxed);
}

static int drain_batch(struct drain *d, uint32_t segment, const struct reader_batch *batch)
{
	struct ring_segment *seg = reader_ring_segment(d->p, segment);
	uint64_t done;
	int ret;

	if (d->r->mode & READER_KEEP) {
		ret = reader_spool_append(d->r, d->p, segment, batch);
		if (ret < 0)
			return ret;
		reader_segment_release(seg, batch->next);
	}
	ret = reader_deliver(d->r, d->p, batch, UINT64_MAX, 0, d->sink, d->arg, &done);
	reader_segment_release(seg, done);
	return ret;
}

static int drain_segment(struct drain *d, uint32_t segment)
{
	struct ring_segment *seg = reader_ring_segment(d->p, segment);
	struct reader_batch batch;
	uint64_t tail, head, spooled;
	int ret = 0;

	if (!reader_segment_ends(seg, &tail, &head)) {
		d->r->stats.damaged++;
		return 0;
	}
	/* A drainer before us died between spooling and giving back. */
	spooled = reader_spool_position(d->p, segment);
	if (tail < spooled && spooled <= head) {
		reader_segment_release(seg, spooled);
		tail = spooled;
	}
	while (tail < head && ret == 0) {
		if (!reader_segment_copy(d->r, seg, tail, head, &batch)) {
			/* Whatever it was: nothing behind it can be found again. */
			reader_segment_release(seg, head);
			d->r->stats.damaged++;
			return 0;
		}
		if (batch.len)
			ret = drain_batch(d, segment, &batch);
		tail = batch.next;
	}
	return ret;
}

static bool ring_is_empty(const struct reader_process *p)
{
	for (uint32_t i = 0; i < p->segments; i++) {
		struct ring_segment *seg = reader_ring_segment(p, i);

		if (atomic_load_explicit(&seg->head, memory_order_acquire) !=
		    atomic_load_explicit(&seg->tail, memory_order_relaxed))
			return false;
	}
	return true;
}

/* A header that was good is so no more: somebody plays with the file. */
static int give_up(struct drain *d)
{
	reader_process_close(d->r, d->p);
	d->p->finished = true;
	d->r->stats.refused++;
	return 0;
}

/* Takes what the ring holds now. */
static int drain_ring(struct drain *d, uint64_t now_ns)
{
	struct reader *r = d->r;
	struct reader_process *p = d->p;
	int ret = 0;

	say_hello(p, now_ns);
	reader_ring_map(r, p);
	if (ring_is_empty(p))
		return 0;
	if (reader_header_copy(r, p, p->ring) < 0)
		return give_up(d);
	for (uint32_t i = 0; i < p->segments && ret == 0; i++)
		ret = drain_segment(d, i);
	if (p->spool && (r->mode & READER_KEEP))
		reader_spool_refresh(r, p);
	reader_spool_close(p);
	return ret;
}

static int spool_batch(void *arg, uint32_t segment, const struct reader_batch *batch)
{
	struct drain *d = arg;
	uint64_t done;

	(void)segment;
	return reader_deliver(d->r, d->p, batch, UINT64_MAX, 0, d->sink, d->arg, &done);
}

/* What a drainer before us kept: once, and without KEEP it goes. */
static int drain_spool(struct drain *d)
{
	struct reader *r = d->r;
	struct reader_process *p = d->p;
	int ret;

	if (p->spool_done || !(r->mode & READER_SPOOLS) || !p->spool) {
		p->spool_done = true;
		return 0;
	}
	if (reader_header_copy(r, p, p->ring ? p->ring : p->spool) < 0)
		return give_up(d);
	ret = reader_spool_walk(r, p, 0, reader_spool_size(p), spool_batch, d);
	if (ret == 0) {
		p->spool_done = true;
		if (!(r->mode & READER_KEEP))
			reader_spool_empty(r, p);
	}
	reader_spool_close(p);
	return ret;
}

/* Maps what is there, and checks it. 0, or why not. */
static int drain_map(struct drain *d)
{
	struct reader *r = d->r;
	struct reader_process *p = d->p;
	bool ring = p->id.files & FILE_RING;
	int ret = 0;

	if (ring)
		ret = reader_ring_map(r, p);
	if (ret == 0 && ring)
		ret = reader_header_copy(r, p, p->ring);
	if (ret < 0)
		return ret;
	ret = reader_spool_map(r, p, ring && (r->mode & READER_KEEP));
	if (ret == -ENOENT && ring)
		return 0;
	if (ret == 0)
		ret = reader_header_copy(r, p, p->spool);
	reader_spool_close(p);
	return ret;
}

/* 1: there is something to read. 0: not yet, or no more. Else the spool could not be made. */
static int drain_open(struct drain *d)
{
	struct reader *r = d->r;
	struct reader_process *p = d->p;
	int ret;

	if (p->finished)
		return 0;
	if (p->ring || (p->spool && !(p->id.files & FILE_RING)))
		return 1;
	ret = drain_map(d);
	if (ret == 0)
		return 1;
	reader_process_close(r, p);
	if (ret == -ENOENT || ret == -EAGAIN)
		return 0;
	if (ret != -EPROTO && ret != -EPERM)
		return ret;
	return give_up(d);
}

static int drain_process(struct drain *d, uint64_t now_ns)
{
	int ret = drain_spool(d);

	if (ret == 0 && d->p->ring)
		ret = drain_ring(d, now_ns);
	return ret;
}

/* ---- the end of a process ---- */

static void remove_file(struct reader *r, const struct reader_process *p, const char *suffix)
{
	char file[READER_NAME_SIZE + sizeof(SPOOL_SUFFIX)];

	memcpy(file, p->name, strlen(p->name) + 1);
	strcat(file, suffix);
	unlinkat(r->dir, file, 0);
}

static bool pid_is_gone(uint32_t pid)
{
	return (int32_t)pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

/*
 * Whether @d->p can be forgotten: its process is dead and everything was taken. Its files go, as
 * told.
 */
static bool drain_end(struct drain *d, bool dead)
{
	struct reader *r = d->r;
	struct reader_process *p = d->p;
	bool ring = p->ring;

	if (p->finished)
		return !p->listed;
	if (!p->ring && !p->spool) {
		/* Never became ready: its writer died on the way. */
		if (p->listed && dead && (p->id.files & FILE_RING))
			remove_file(r, p, RING_SUFFIX);
		return dead;
	}
	if (!dead || !p->spool_done || (ring && !ring_is_empty(p)) ||
	    reader_header_copy(r, p, ring ? p->ring : p->spool) < 0)
		return false;
	if (ring && p->spool && (r->mode & READER_KEEP))
		reader_spool_refresh(r, p);
	if (r->gone && (ring || (r->mode & READER_SPOOLS))) {
		struct reader_source source = reader_source_of(r, p);

		r->gone(r->gone_arg, &source);
	}
	if (ring) {
		remove_file(r, p, RING_SUFFIX);
		r->stats.removed++;
	}
	if (!(r->mode & READER_SPOOLS))
		return true;
	if (p->spool && !(r->mode & READER_KEEP))
		remove_file(r, p, SPOOL_SUFFIX);
	/* A spool that stays must be remembered: its records were delivered. */
	p->finished = r->mode & READER_KEEP;
	if (p->finished)
		reader_process_close(r, p);
	return !p->finished;
}

/* Dead before the last look into the ring, so that nothing can come after it. */
static bool is_dead(struct reader *r, struct reader_process *p)
{
	struct reader_source source;

	if (!p->ring && !p->spool)
		return pid_is_gone(p->id.pid);
	if (!p->ring)
		return true;
	if (reader_header_copy(r, p, p->ring) < 0)
		return pid_is_gone(p->id.pid);
	source = reader_source_of(r, p);
	return !reader_alive(&source);
}

/* Returns 1 when the process can be forgotten. */
static int visit_process(struct drain *d, uint64_t now_ns, bool check)
{
	struct reader *r = d->r;
	bool dead;
	int ret;

	/* Past the number of rings that may stay mapped: only now and then. */
	if (!check && !d->p->ring && r->mapped >= READER_MAPPED_MAX)
		return 0;
	ret = drain_open(d);
	dead = ret >= 0 && check && is_dead(r, d->p);
	if (ret > 0)
		ret = drain_process(d, now_ns);
	if (ret == 0 && check && drain_end(d, dead))
		return 1;
	if (r->mapped > READER_MAPPED_MAX)
		reader_process_close(r, d->p);
	return ret;
}

int64_t reader_drain(struct reader *reader, bool final, reader_sink *sink, void *arg)
{
	uint64_t now_ns = clock_monotonic(), before = reader->stats.records;
	bool check = final || !reader->checked_ns || now_ns - reader->checked_ns >= CHECK_NS;
	struct drain d = { .r = reader, .sink = sink, .arg = arg };
	int ret;

	if (!(reader->mode & READER_DRAIN))
		return -EINVAL;
	ret = reader_table_look(reader, now_ns, final);
	for (size_t i = 0; i < reader->count && ret == 0; i++) {
		d.p = reader->processes[i];
		ret = visit_process(&d, now_ns, check);
		if (ret > 0)
			reader_table_drop(reader, i--);
		ret = ret < 0 ? ret : 0;
	}
	if (check)
		reader->checked_ns = now_ns;
	return ret < 0 ? ret : (int64_t)(reader->stats.records - before);
}
