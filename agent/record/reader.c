/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of ring and spool files: opening it safely, listing the processes in it. Called by
 * cli/ and export/. Must never follow a link that somebody else could have put there (hazard N5).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/reader_private.h"

#define LOCK_FILE "lock"
#define IDS_MAX 1000000u

/* mkdir -p, private. @path is changed meanwhile. */
static int make_directories(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		mkdir(path, 0700);
		*at = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

/* A slash at the end would make O_NOFOLLOW follow. */
static int open_directory(const char *directory, bool create)
{
	size_t len = strlen(directory);
	char path[PATH_MAX];
	int ret = 0, fd;

	while (len > 1 && directory[len - 1] == '/')
		len--;
	if (!len || len >= sizeof(path))
		return len ? -ENAMETOOLONG : -ENOENT;
	memcpy(path, directory, len);
	path[len] = 0;
	if (create)
		ret = make_directories(path);
	if (ret < 0)
		return ret;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int check_directory(struct reader *r)
{
	struct stat st;

	if (fstat(r->dir, &st) != 0)
		return -errno;
	if ((st.st_uid != geteuid() && geteuid() != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	r->owner = st.st_uid;
	return 0;
}

/* One drainer per directory; the lock goes with the descriptor, whatever happens to us. */
static int lock_directory(struct reader *r)
{
	struct stat st;

	r->lock = openat(r->dir, LOCK_FILE,
			 O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
	if (r->lock < 0)
		return -errno;
	if (fstat(r->lock, &st) != 0 || !S_ISREG(st.st_mode))
		return -EPERM;
	if (flock(r->lock, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* Root drained first: its owner must be able to do so later. */
	if (st.st_uid != r->owner && st.st_nlink == 1 && fchown(r->lock, r->owner, (gid_t)-1) != 0)
		return -errno;
	return 0;
}

int reader_open(struct reader **out, const char *directory, unsigned int mode)
{
	struct reader *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	clock_init();
	r->mode = mode;
	r->lock = -1;
	ret = r->dir = open_directory(directory, mode & READER_CREATE);
	if (ret >= 0)
		ret = check_directory(r);
	if (ret >= 0 && (mode & READER_DRAIN))
		ret = lock_directory(r);
	if (ret < 0) {
		reader_close(r);
		return ret;
	}
	*out = r;
	return 0;
}

/* The writers need not wait until they find that we have been away for long. */
static void say_goodbye(struct reader_process *p)
{
	struct ring_header *h = (struct ring_header *)p->ring;

	if (h)
		atomic_store_explicit(&h->reader_seen_ns, 0, memory_order_relaxed);
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->count; i++) {
		say_goodbye(reader->processes[i]);
		reader_process_close(reader, reader->processes[i]);
		free(reader->processes[i]);
	}
	free(reader->processes);
	if (reader->lock >= 0)
		close(reader->lock);
	if (reader->dir >= 0)
		close(reader->dir);
	free(reader);
}

void reader_on_gone(struct reader *reader, reader_each *gone, void *arg)
{
	reader->gone = gone;
	reader->gone_arg = arg;
}

void reader_stats(const struct reader *reader, struct reader_stats *out)
{
	*out = reader->stats;
}

/* ---- names ---- */

/*
 * "<pid>-<16 hex digits><suffix>" as put_name() of the writer makes them, and no other way to say
 * the same.
 */
static bool parse_name(const char *name, struct reader_id *id)
{
	char again[READER_NAME_SIZE + sizeof(SPOOL_SUFFIX)];
	unsigned long long generation;
	unsigned int pid;
	int end = 0;

	memset(id, 0, sizeof(*id));
	if (strlen(name) >= sizeof(again) ||
	    sscanf(name, "%10u-%16llx%n", &pid, &generation, &end) != 2)
		return false;
	if (strcmp(name + end, RING_SUFFIX) == 0)
		id->files = FILE_RING;
	else if (strcmp(name + end, SPOOL_SUFFIX) == 0)
		id->files = FILE_SPOOL;
	snprintf(again, sizeof(again), "%u-%016llx", pid, generation);
	if (!id->files || strncmp(name, again, (size_t)end) != 0 || again[end])
		return false;
	id->pid = pid;
	id->generation = generation;
	return true;
}

void reader_process_init(struct reader_process *p, const struct reader_id *id)
{
	memset(p, 0, sizeof(*p));
	p->id = *id;
	snprintf(p->name, sizeof(p->name), "%u-%016llx", id->pid,
		 (unsigned long long)id->generation);
}

struct reader_source reader_source_of(struct reader *r, const struct reader_process *p)
{
	return (struct reader_source){ .header = &r->header, .name = p->name };
}

int reader_id_compare(const void *a, const void *b)
{
	const struct reader_id *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

static ssize_t read_names(DIR *dir, struct reader_id **out)
{
	struct reader_id *ids = NULL, id;
	size_t n = 0, room = 0;
	const struct dirent *entry;

	while ((entry = readdir(dir)) && n < IDS_MAX) {
		if (!parse_name(entry->d_name, &id))
			continue;
		if (n == room) {
			struct reader_id *more;

			room = room ? room * 2 : 64;
			more = realloc(ids, room * sizeof(*ids));
			if (!more) {
				free(ids);
				return -ENOMEM;
			}
			ids = more;
		}
		ids[n++] = id;
	}
	*out = ids;
	return (ssize_t)n;
}

ssize_t reader_list(struct reader *r, struct reader_id **out)
{
	int fd = openat(r->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct reader_id *ids = NULL;
	ssize_t n, kept = 0;

	if (!dir) {
		n = -errno;
		if (fd >= 0)
			close(fd);
		return n;
	}
	n = read_names(dir, &ids);
	closedir(dir);
	if (n > 0)
		qsort(ids, (size_t)n, sizeof(*ids), reader_id_compare);
	for (ssize_t i = 0; i < n; i++) {
		if (kept && reader_id_compare(&ids[kept - 1], &ids[i]) == 0)
			ids[kept - 1].files |= ids[i].files;
		else
			ids[kept++] = ids[i];
	}
	if (n < 0)
		return n;
	r->stats.files = (uint64_t)kept;
	*out = ids;
	return kept;
}

int64_t reader_sources(struct reader *reader, reader_each *each, void *arg)
{
	struct reader_id *ids = NULL;
	ssize_t n = reader_list(reader, &ids);
	int64_t told = n < 0 ? n : 0;

	for (ssize_t i = 0; ids && i < n && told >= 0; i++) {
		struct reader_process p;
		int ret;

		reader_process_init(&p, &ids[i]);
		ret = reader_ring_map(reader, &p) == 0 ? reader_header_copy(reader, &p, p.ring)
						       : -ENOENT;
		if (ret < 0 && reader_spool_map(reader, &p, false) == 0)
			ret = reader_header_copy(reader, &p, p.spool);
		reader_process_close(reader, &p);
		if (ret == -EPROTO)
			reader->stats.refused++;
		if (ret == 0) {
			struct reader_source source = reader_source_of(reader, &p);

			ret = each(arg, &source);
			told = ret < 0 ? ret : told + 1;
		}
	}
	free(ids);
	return told;
}
