/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process's files: opened without following anybody's links, mapped, their header copied and
 * checked. Called by the other reader files only. Must never believe a number before it was
 * compared with the size of the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/reader_private.h"

int reader_file_open(struct reader *r, const char *name, const char *suffix, int flags,
		     uint64_t *size)
{
	char file[READER_NAME_SIZE + sizeof(SPOOL_SUFFIX)];
	struct stat st;
	int fd;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	fd = openat(r->dir, file, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
	/* A link, a directory, a device: whoever put it there, it is no file of a writer. */
	if (fd < 0)
		return errno == ELOOP || errno == EISDIR || errno == ENXIO || errno == EACCES
			       ? -EPERM
			       : -errno;
	/*
	 * Root must not be led to write into, or to remove, another file of somebody by a hard
	 * link.
	 */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink <= 1 &&
	    (st.st_uid == r->owner || (flags & O_EXCL))) {
		*size = (uint64_t)st.st_size;
		return fd;
	}
	close(fd);
	return -EPERM;
}

/* The texts lie one after the other in the header's room for them. */
static bool texts_fit(const struct ring_header *h)
{
	const uint32_t len[] = {h->executable_len, h->service_len, h->resource_len, h->context_len};
	uint32_t room = RING_TEXT_SIZE;

	for (unsigned int i = 0; i < 4; i++) {
		if (len[i] > room)
			return false;
		room -= len[i];
	}
	return true;
}

int reader_header_copy(struct reader *r, const struct reader_process *p, const char *map)
{
	const struct ring_header *from = (const struct ring_header *)map;
	struct ring_header *h = &r->header;

	/* Pairs with the writer's release store: the rest was written before. */
	if (!atomic_load_explicit(&from->ready, memory_order_acquire))
		return -EAGAIN;
	memcpy((char *)h, map, sizeof(*h));
	if (h->magic != FORMAT_MAGIC)
		return -EPROTO;
	if (h->version != FORMAT_VERSION) {
		r->stats.foreign++;
		return -EPROTO;
	}
	if (h->pid != p->id.pid || h->generation != p->id.generation || !texts_fit(h))
		return -EPROTO;
	if (h->counter_count > RING_COUNTERS_MAX)
		h->counter_count = RING_COUNTERS_MAX;
	return 0;
}

static uint32_t segments_in(uint64_t size)
{
	uint64_t n = size < RING_HEADER_SIZE ? 0 : (size - RING_HEADER_SIZE) / RING_SEGMENT_SIZE;

	return n > RING_SEGMENTS_MAX ? RING_SEGMENTS_MAX : (uint32_t)n;
}

/* How many segments the writer says there are; what it says changes at any moment. */
static uint32_t segments_said(const char *map)
{
	const struct ring_header *h = (const struct ring_header *)map;

	return atomic_load_explicit(&h->segments, memory_order_acquire);
}

int reader_ring_map(struct reader *r, struct reader_process *p)
{
	bool drain = r->mode & READER_DRAIN;
	uint64_t size = 0;
	uint32_t n;
	size_t len;
	char *map;
	int fd;

	if (p->ring && segments_said(p->ring) <= p->segments)
		return 0;
	fd = reader_file_open(r, p->name, RING_SUFFIX, drain ? O_RDWR : O_RDONLY, &size);
	if (fd < 0)
		return fd;
	n = segments_in(size);
	len = RING_HEADER_SIZE + (size_t)n * RING_SEGMENT_SIZE;
	map = n && (!p->ring || n > p->segments) ? reader_map(fd, len, drain) : NULL;
	close(fd);
	if (!n)
		return -EAGAIN;
	if (!map)
		return p->ring ? 0 : -ENOMEM;
	reader_ring_unmap(r, p);
	p->ring = map;
	p->ring_len = len;
	p->segments = n;
	r->mapped++;
	return 0;
}

void reader_ring_unmap(struct reader *r, struct reader_process *p)
{
	if (!p->ring)
		return;
	reader_unmap(p->ring, p->ring_len);
	p->ring = NULL;
	p->segments = 0;
	r->mapped--;
}

struct ring_segment *reader_ring_segment(const struct reader_process *p, uint32_t i)
{
	return (struct ring_segment *)(p->ring + RING_HEADER_SIZE + (size_t)i * RING_SEGMENT_SIZE);
}

void reader_process_close(struct reader *r, struct reader_process *p)
{
	reader_ring_unmap(r, p);
	reader_spool_close(p);
	if (p->spool)
		reader_unmap(p->spool, RING_HEADER_SIZE);
	p->spool = NULL;
}
