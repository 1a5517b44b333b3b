/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring's file: making it, letting it grow, leaving it behind in a fork's child. Called by
 * ring.c only. It must never keep a descriptor (hazard E1), never make the file larger than
 * RLIMIT_FSIZE permits (F3), never map what is not allocated (F5), and never write where another
 * user could have put a link (N5).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/sys.h"
#include "record/counter.h"
#include "record/ring_file.h"

#define WIPE_ON_FORK 18			/* MADV_WIPEONFORK: Linux 4.14 */
#define FILE_FLAGS (O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)

/* Room for each text of the header: together at most RING_TEXT_SIZE. */
#define EXECUTABLE_MAX 256u
#define SERVICE_MAX 256u
#define CONTEXT_MAX 1024u
#define RESOURCE_MAX (RING_TEXT_SIZE - EXECUTABLE_MAX - SERVICE_MAX - CONTEXT_MAX)

static uint64_t file_size(uint32_t segments)
{
	return RING_HEADER_SIZE + (uint64_t)segments * RING_SEGMENT_SIZE;
}

/* Each missing directory on the way to @path, which is changed meanwhile and restored. */
static int make_parents(char *path)
{
	for (char *at = path + 1; *at; at++) {
		int ret;

		if (*at != '/')
			continue;
		*at = 0;
		ret = sys_mkdirat(AT_FDCWD, path, 0700);
		*at = '/';
		if (ret < 0 && ret != -EEXIST && ret != -EROFS && ret != -EACCES)
			return ret;
	}
	return sys_mkdirat(AT_FDCWD, path, 0700);
}

/* Opens the directory named in @path: a real one, ours, and nobody else may write to it. */
static int open_directory(char *path)
{
	struct sys_stat st;
	int fd, ret;

	ret = sys_mkdirat(AT_FDCWD, path, 0700);
	if (ret == -ENOENT)
		make_parents(path);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	ret = sys_fstat(fd, &st);
	if (ret == 0 && (st.uid != sys_geteuid() || (st.mode & (S_IWGRP | S_IWOTH))))
		ret = -EPERM;
	if (ret == 0)
		return fd;
	sys_close(fd);
	return ret;
}

static char *put_number(char *at, uint32_t n)
{
	char digits[10];
	unsigned int len = 0;

	do {
		digits[len++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (len)
		*at++ = digits[--len];
	return at;
}

/* "<pid>-<generation>.ring": random, and new for every generation. */
static void put_name(char *at, uint32_t pid, uint64_t generation)
{
	at = put_number(at, pid);
	*at++ = '-';
	for (int shift = 60; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[generation >> shift & 15];
	memcpy(at, RING_SUFFIX, sizeof(RING_SUFFIX));
}

/* Appends @text to the header; a list too long for its room ends behind its last whole member. */
static uint32_t put_text(struct ring_header *h, uint32_t at, const char *text, size_t max,
			 bool list)
{
	size_t len = text ? strlen(text) : 0;

	if (len > max) {
		len = max;
		while (list && len && text[len] != ',')
			len--;
	}
	if (len)
		memcpy(h->text + at, text, len);
	return (uint32_t)len;
}

static void fill_header(struct ring_header *h, const struct ring_identity *id, uint32_t pid)
{
	uint32_t at;

	h->magic = FORMAT_MAGIC;
	h->version = FORMAT_VERSION;
	h->pid = pid;
	h->uid = sys_geteuid();
	h->generation = id->generation;
	h->start_monotonic_ns = clock_monotonic();
	h->start_realtime_ns = clock_realtime();
	h->counter_count = COUNTER_COUNT;
	at = h->executable_len = put_text(h, 0, id->executable, EXECUTABLE_MAX, false);
	at += h->service_len = put_text(h, at, id->service, SERVICE_MAX, false);
	at += h->resource_len = put_text(h, at, id->resource, RESOURCE_MAX, true);
	h->context_len = put_text(h, at, id->context, CONTEXT_MAX, true);
	atomic_store_explicit(&h->segments, 1, memory_order_relaxed);
	/* Pairs with the reader's acquire load: everything above is there when it sees 1. */
	atomic_store_explicit(&h->ready, 1, memory_order_release);
}

/* Allocates and maps [off, off + len) of @fd, or says why not. Never raises SIGXFSZ. */
static int map_part(int fd, uint64_t off, uint64_t len, void **out)
{
	int ret;

	if (off + len > sys_file_size_limit())
		return -EFBIG;
	ret = sys_fallocate(fd, (int64_t)off, (int64_t)len);
	if (ret < 0)
		return ret;
	*out = sys_map(len, fd, (int64_t)off);
	return *out ? 0 : -ENOMEM;
}

static int map_first(struct ring *r, int fd)
{
	void *header, *segment;
	int ret;

	/*
	 * One allocation for both, so that a limit or a full disk shows before anything is
	 * mapped.
	 */
	if (file_size(1) > sys_file_size_limit())
		return -EFBIG;
	ret = sys_fallocate(fd, 0, (int64_t)file_size(1));
	if (ret < 0)
		return ret;
	header = sys_map(RING_HEADER_SIZE, fd, 0);
	if (!header)
		return -ENOMEM;
	segment = sys_map(RING_SEGMENT_SIZE, fd, RING_HEADER_SIZE);
	if (!segment) {
		sys_unmap(header, RING_HEADER_SIZE);
		return -ENOMEM;
	}
	r->header = header;
	atomic_store_explicit(&r->segment[0], segment, memory_order_relaxed);
	return 0;
}

/* Puts directory and name into @r->path. Returns where the name begins, or a negative errno. */
static int put_path(struct ring *r, const char *directory)
{
	size_t len = directory ? strlen(directory) : 0;

	/* A slash at the end would make O_NOFOLLOW follow. */
	while (len > 1 && directory[len - 1] == '/')
		len--;
	if (!len || directory[0] != '/')
		return -ENOENT;
	if (len + sizeof("/4294967295-0123456789abcdef" RING_SUFFIX) > sizeof(r->path))
		return -ENAMETOOLONG;
	memcpy(r->path, directory, len);
	r->path[len] = 0;
	return (int)len + 1;
}

int ring_file_make(struct ring *r, const struct ring_identity *identity)
{
	uint32_t pid = (uint32_t)sys_getpid();
	int name, dir, fd, ret;

	if (identity->size_max < file_size(1))
		return -ENOSPC;
	name = put_path(r, identity->directory);
	if (name < 0)
		return name;
	dir = open_directory(r->path);
	if (dir < 0)
		return dir;
	r->path[name - 1] = '/';
	put_name(r->path + name, pid, identity->generation);
	fd = ret = sys_openat(dir, r->path + name, FILE_FLAGS | O_CREAT | O_EXCL, 0600);
	if (fd >= 0) {
		ret = map_first(r, fd);
		sys_close(fd);
		if (ret < 0)
			sys_unlinkat(dir, r->path + name, 0);
	}
	sys_close(dir);
	if (ret < 0)
		return ret;
	r->segments_max = (uint32_t)((identity->size_max - RING_HEADER_SIZE) / RING_SEGMENT_SIZE);
	if (r->segments_max > RING_SEGMENTS_MAX)
		r->segments_max = RING_SEGMENTS_MAX;
	atomic_store_explicit(&r->segments, 1, memory_order_relaxed);
	fill_header(r->header, identity, pid);
	return 0;
}

/* Opens the file by its name again: still ours, and as long as we left it. */
static int grow_file(const struct ring *r, uint32_t n, void **segment)
{
	struct sys_stat st;
	int fd, ret;

	fd = sys_openat(AT_FDCWD, r->path, FILE_FLAGS | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	ret = sys_fstat(fd, &st);
	if (ret == 0 && ((st.mode & S_IFMT) != S_IFREG || st.uid != r->header->uid))
		ret = -EPERM;
	/* Longer by a part of a segment: an attempt that found no room for all of it. */
	if (ret == 0 && (st.size < file_size(n) || st.size > file_size(n + 1)))
		ret = -ESTALE;
	if (ret == 0)
		ret = map_part(fd, file_size(n), RING_SEGMENT_SIZE, segment);
	sys_close(fd);
	return ret;
}

struct ring_segment *ring_file_grow(struct ring *r, uint32_t *index, int *error)
{
	struct ring_segment *seg = NULL;
	void *at = NULL;
	uint32_t n;

	*error = 0;
	if (atomic_exchange_explicit(&r->growing, 1, memory_order_acquire))
		return NULL;
	n = atomic_load_explicit(&r->segments, memory_order_relaxed);
	if (n < r->segments_max)
		*error = grow_file(r, n, &at);
	if (at) {
		seg = at;
		*index = n;
		atomic_store_explicit(&seg->owner, 1, memory_order_relaxed);
		atomic_store_explicit(&r->segment[n], seg, memory_order_relaxed);
		/*
		 * Pairs with other threads' acquire loads, and with the reader's of
		 * header->segments.
		 */
		atomic_store_explicit(&r->segments, n + 1, memory_order_release);
		atomic_store_explicit(&r->header->segments, n + 1, memory_order_release);
	}
	atomic_store_explicit(&r->growing, 0, memory_order_release);
	return seg;
}

void ring_file_sever(struct ring *r)
{
	uint32_t n = atomic_load_explicit(&r->segments, memory_order_relaxed);

	if (r->header)
		sys_replace(r->header, RING_HEADER_SIZE);
	for (uint32_t i = 0; i < n; i++)
		sys_replace(atomic_load_explicit(&r->segment[i], memory_order_relaxed),
			    RING_SEGMENT_SIZE);
}

void ring_file_alive(struct ring *r)
{
	static uint32_t without_page;

	if (!r->alive) {
		r->alive = sys_map(4096, -1, 0);
		if (r->alive)
			sys_madvise(r->alive, 4096, WIPE_ON_FORK);
		else
			r->alive = &without_page;
	}
	*r->alive = 1;
}
