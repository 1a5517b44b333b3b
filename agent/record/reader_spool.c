/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spool files: what a drainer has taken out of a ring and keeps. Written by one drainer (it holds
 * the directory's lock), read by any number of peekers meanwhile. A batch counts once struct
 * spool_state says so; a drainer that dies in between leaves bytes that nobody reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "record/reader_private.h"

static struct spool_state *spool_state(const struct reader_process *p)
{
	return (struct spool_state *)(p->spool + SPOOL_STATE_OFFSET);
}

uint64_t reader_spool_size(const struct reader_process *p)
{
	/* Acquire: pairs with the release store of reader_spool_append(). */
	return p->spool ? atomic_load_explicit(&spool_state(p)->size, memory_order_acquire) : 0;
}

uint64_t reader_spool_position(const struct reader_process *p, uint32_t i)
{
	return p->spool ? atomic_load_explicit(&spool_state(p)->spooled[i], memory_order_relaxed)
			: 0;
}

void reader_spool_close(struct reader_process *p)
{
	if (p->spool_open)
		close(p->spool_fd);
	p->spool_open = false;
}

static int spool_open(struct reader *r, struct reader_process *p, int flags, uint64_t *size)
{
	int fd;

	if (p->spool_open)
		return 0;
	fd = reader_file_open(r, p->name, SPOOL_SUFFIX, flags, size);
	if (fd < 0)
		return fd;
	p->spool_fd = fd;
	p->spool_open = true;
	return 0;
}

static bool batch_check(const struct record_batch *batch, uint64_t at)
{
	return batch->record.kind == RECORD_BATCH && batch->record.size == sizeof(*batch) &&
	       batch->record.check == record_check(at) && batch->segment < RING_SEGMENTS_MAX &&
	       batch->bytes <= READER_BATCH && batch->bytes % RECORD_ALIGN == 0 &&
	       batch->position % RECORD_ALIGN == 0;
}

/* The newest batch is valid, but its drainer may have died before it noted what was spooled. */
static void spool_recover(struct reader_process *p)
{
	struct spool_state *state = spool_state(p);
	uint64_t size = reader_spool_size(p), at = atomic_load(&state->batch_at);
	struct record_batch batch;

	if (at >= size ||
	    pread(p->spool_fd, &batch, sizeof(batch), (off_t)(RING_HEADER_SIZE + at)) !=
		    (ssize_t)sizeof(batch) ||
	    !batch_check(&batch, at))
		return;
	if (atomic_load(&state->spooled[batch.segment]) < batch.position + batch.bytes)
		atomic_store(&state->spooled[batch.segment], batch.position + batch.bytes);
}

static int spool_make(struct reader *r, struct reader_process *p, bool made)
{
	int ret = 0;

	if (made && geteuid() != r->owner && fchown(p->spool_fd, r->owner, (gid_t)-1) != 0)
		ret = -errno;
	if (ret == 0)
		ret = -posix_fallocate(p->spool_fd, 0, RING_HEADER_SIZE);
	if (ret == 0)
		p->spool = reader_map(p->spool_fd, RING_HEADER_SIZE, true);
	if (ret == 0 && !p->spool)
		ret = -ENOMEM;
	if (ret == 0)
		reader_spool_refresh(r, p);
	return ret;
}

int reader_spool_map(struct reader *r, struct reader_process *p, bool create)
{
	int access = r->mode & READER_DRAIN ? O_RDWR : O_RDONLY;
	bool made = false;
	uint64_t size = 0;
	int ret;

	if (p->spool)
		return 0;
	ret = spool_open(r, p, access, &size);
	if (ret == -ENOENT && create) {
		ret = spool_open(r, p, O_RDWR | O_CREAT | O_EXCL, &size);
		made = ret == 0;
	}
	if (ret < 0)
		return ret;
	if (size >= RING_HEADER_SIZE)
		p->spool = reader_map(p->spool_fd, RING_HEADER_SIZE, r->mode & READER_DRAIN);
	else if (create)
		return spool_make(r, p, made);	/* new, or its maker died early */
	if (!p->spool)
		return size >= RING_HEADER_SIZE ? -ENOMEM : -EAGAIN;
	if (r->mode & READER_DRAIN)
		spool_recover(p);
	return 0;
}

void reader_spool_refresh(struct reader *r, struct reader_process *p)
{
	struct ring_header *to = (struct ring_header *)p->spool;
	size_t above = offsetof(struct ring_header, start_monotonic_ns);

	atomic_store_explicit(&r->header.segments, 0, memory_order_relaxed);
	atomic_store_explicit(&r->header.reader_seen_ns, 0, memory_order_relaxed);
	if (atomic_load_explicit(&to->ready, memory_order_relaxed)) {
		memcpy((char *)to + above, (const char *)&r->header + above, sizeof(*to) - above);
		return;
	}
	atomic_store_explicit(&r->header.ready, 0, memory_order_relaxed);
	memcpy((char *)to, (const char *)&r->header, sizeof(*to));
	/* Pairs with a peeker's acquire load. */
	atomic_store_explicit(&to->ready, 1, memory_order_release);
}

int reader_spool_append(struct reader *r, struct reader_process *p, uint32_t segment,
			const struct reader_batch *batch)
{
	struct spool_state *state = spool_state(p);
	uint64_t at = reader_spool_size(p), unused;
	struct record_batch head = {
		.record = { sizeof(head), RECORD_BATCH, record_check(at) },
		.segment = segment,
		.bytes = batch->len,
		.position = batch->position,
	};
	struct iovec iov[2] = {
		{ &head, sizeof(head) },
		{ (void *)(uintptr_t)batch->bytes, batch->len },
	};
	ssize_t want = (ssize_t)(sizeof(head) + batch->len), n;
	int ret = spool_open(r, p, O_RDWR, &unused);

	if (ret < 0)
		return ret;
	n = pwritev(p->spool_fd, iov, 2, (off_t)(RING_HEADER_SIZE + at));
	if (n != want)
		return n < 0 ? -errno : -ENOSPC;
	atomic_store_explicit(&state->batch_at, at, memory_order_relaxed);
	/* This store makes the batch valid. Pairs with reader_spool_size(). */
	atomic_store_explicit(&state->size, at + (uint64_t)want, memory_order_release);
	atomic_store_explicit(&state->spooled[segment], batch->next, memory_order_release);
	return 0;
}

void reader_spool_empty(struct reader *r, struct reader_process *p)
{
	uint64_t unused;

	if (!p->spool)
		return;
	atomic_store_explicit(&spool_state(p)->size, 0, memory_order_release);
	/* A failure leaves bytes that nobody reads. */
	if (spool_open(r, p, O_RDWR, &unused) == 0 && ftruncate(p->spool_fd, RING_HEADER_SIZE) != 0)
		return;
}

/*
 * Delivers the whole batches among the @n bytes in r->buffer. Returns their length, or a negative
 * value.
 */
static int64_t walk_buffer(struct reader *r, uint64_t off, size_t n, reader_spool_sink *sink,
			   void *arg, int *stop)
{
	size_t at = 0;

	while (n - at >= sizeof(struct record_batch)) {
		struct record_batch head;
		struct reader_batch batch;

		memcpy(&head, r->buffer + at, sizeof(head));
		if (!batch_check(&head, off + at))
			return -EPROTO;
		if (head.bytes > n - at - sizeof(head))
			break;
		batch.bytes = r->buffer + at + sizeof(head);
		batch.position = head.position;
		batch.next = head.position + head.bytes;
		if (!reader_records_check(batch.bytes, head.bytes, head.position, false,
					  &batch.len))
			return -EPROTO;
		*stop = sink(arg, head.segment, &batch);
		at += sizeof(head) + head.bytes;
		if (*stop < 0)
			break;
	}
	return (int64_t)at;
}

int reader_spool_walk(struct reader *r, struct reader_process *p, uint64_t from, uint64_t to,
		      reader_spool_sink *sink, void *arg)
{
	int flags = r->mode & READER_DRAIN ? O_RDWR : O_RDONLY, stop = 0;
	uint64_t unused;

	if (from >= to || spool_open(r, p, flags, &unused) < 0)
		return 0;
	while (from < to && stop >= 0) {
		size_t want = to - from < READER_BUFFER ? (size_t)(to - from) : READER_BUFFER;
		ssize_t n = pread(p->spool_fd, r->buffer, want, (off_t)(RING_HEADER_SIZE + from));
		int64_t used = n > 0 ? walk_buffer(r, from, (size_t)n, sink, arg, &stop) : -EPROTO;

		if (used <= 0) {
			r->stats.damaged++;
			return 0;
		}
		from += (uint64_t)used;
	}
	return stop < 0 ? stop : 0;
}
