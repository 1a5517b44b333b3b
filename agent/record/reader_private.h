/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reader's files share: reader.c (a directory and its processes), reader_map.c (mappings
 * that survive a file cut short), reader_file.c (one process's files), reader_segment.c (records
 * out of shared memory), reader_spool.c, reader_peek.c, reader_drain.c and its reader_table.c.
 * Nobody else includes it.
 */
#ifndef RECORD_READER_PRIVATE_H
#define RECORD_READER_PRIVATE_H

#include <sys/types.h>

#include "record/reader.h"

#define READER_BATCH 65536u	/* most bytes of records taken at once; at least RECORD_MAX */
#define READER_BUFFER (2 * READER_BATCH)
#define READER_MAPPED_MAX 1024u		/* rings that a drainer keeps mapped */
#define READER_NAME_SIZE 32u		/* "4294967295-0123456789abcdef" */

enum reader_files { FILE_RING = 1, FILE_SPOOL = 2 };

struct reader_id {
	uint32_t pid;
	uint32_t files;			/* enum reader_files: what the directory holds */
	uint64_t generation;
};

/** One process's files. All-zero is closed. */
struct reader_process {
	struct reader_id id;
	char name[READER_NAME_SIZE];
	char *ring;			/* mapping of the ring file, or NULL */
	size_t ring_len;
	uint32_t segments;		/* of them, inside the mapping */
	char *spool;			/* mapping of the spool's header, or NULL */
	int spool_fd;			/* valid while spool_open */
	bool spool_open;
	bool finished;			/* drain: not to be opened again */
	bool spool_done;		/* drain: its old records were delivered, or must not be */
	bool listed;			/* drain: seen by the last listing */
	uint64_t seen_ns;		/* drain: when the writers were told that we are here */
};

struct reader {
	unsigned int mode;
	int dir, lock;
	uid_t owner;			/* of the directory */
	reader_each *gone;
	void *gone_arg;
	struct reader_stats stats;

	/* drain */
	struct reader_process **processes;	/* sorted by id */
	size_t count, room;
	size_t mapped;
	uint64_t looked_ns, listed_ns, checked_ns; /* its time, its list, who is alive */
	int64_t dir_mtime_ns, listed_wall_ns;

	struct ring_header header;	/* copy of the process's at hand */
	_Alignas(RECORD_ALIGN) char buffer[READER_BUFFER];	/* records at hand */
};

/* ---- reader.c ---- */

/**
 * The directory's processes, sorted, each once. The caller frees *out. Returns how many, or a
 * negative errno.
 */
ssize_t reader_list(struct reader *r, struct reader_id **out);
int reader_id_compare(const void *a, const void *b);
void reader_process_init(struct reader_process *p, const struct reader_id *id);
struct reader_source reader_source_of(struct reader *r, const struct reader_process *p);

/* ---- reader_map.c ---- */

/**
 * Maps the first @len bytes of @fd, shared. NULL: no. Parts that the file loses later read as
 * zeros.
 */
void *reader_map(int fd, size_t len, bool writable);
void reader_unmap(void *at, size_t len);

/* ---- reader_file.c ---- */

/**
 * Opens @name with @suffix in the reader's directory: a plain file of the directory's owner with
 * one name. Returns the descriptor, with *size set, or a negative errno; -EPERM: not ours,
 * counted.
 */
int reader_file_open(struct reader *r, const char *name, const char *suffix, int flags,
		     uint64_t *size);

/**
 * Maps the ring, or more of it when it has grown. 0, -ENOENT, -EAGAIN (not ready), -EPERM,
 * -EPROTO ...
 */
int reader_ring_map(struct reader *r, struct reader_process *p);
void reader_ring_unmap(struct reader *r, struct reader_process *p);
struct ring_segment *reader_ring_segment(const struct reader_process *p, uint32_t i);

/**
 * Copies the header at @map to r->header and checks it. Returns 0, -EAGAIN (not ready) or
 * -EPROTO.
 */
int reader_header_copy(struct reader *r, const struct reader_process *p, const char *map);

/** Closes all that is open of @p. */
void reader_process_close(struct reader *r, struct reader_process *p);

/* ---- reader_table.c ---- */

/** Looks for new files if it is time, or if it @must. 0 or a negative errno. */
int reader_table_look(struct reader *r, uint64_t now_ns, bool must);
/** Closes and forgets r->processes[@at]. */
void reader_table_drop(struct reader *r, size_t at);

/* ---- reader_segment.c ---- */

/** Whole, checked records that lie one after the other. */
struct reader_batch {
	const char *bytes;
	uint32_t len;
	uint64_t position, next;	/* of the first byte, and of what follows behind the last */
};

/** Head and tail of a segment, plausible. False when they are not: the segment is damaged. */
bool reader_segment_ends(struct ring_segment *seg, uint64_t *tail, uint64_t *head);

/**
 * Copies records from @position on, not beyond @head, to r->buffer. Batch.position is later than
 * @position when the tail has passed it; an empty batch says nothing but that. False: damaged.
 */
bool reader_segment_copy(struct reader *r, struct ring_segment *seg, uint64_t position,
			 uint64_t head, struct reader_batch *out);

/** Gives records before @position back to the writer. */
void reader_segment_release(struct ring_segment *seg, uint64_t position);

/**
 * Length of the whole records at the start of @bytes; false when they are none. @cut: the last
 * may be half.
 */
bool reader_records_check(const char *bytes, uint32_t len, uint64_t position, bool cut,
			  uint32_t *whole);

/**
 * Hands the records of @batch for which position < @below or >= @above to @sink. Returns 0 or
 * what the sink returned; *done is the position behind the last record that it took.
 */
int reader_deliver(struct reader *r, const struct reader_process *p,
		   const struct reader_batch *batch, uint64_t below, uint64_t above,
		   reader_sink *sink, void *arg, uint64_t *done);

/* ---- reader_spool.c ---- */

/**
 * Maps the spool's header if there is one; @create: makes it as a copy of r->header. 0 or a
 * negative errno.
 */
int reader_spool_map(struct reader *r, struct reader_process *p, bool create);
void reader_spool_close(struct reader_process *p);
uint64_t reader_spool_size(const struct reader_process *p);
/** Position up to which records of segment @i are in the spool. */
uint64_t reader_spool_position(const struct reader_process *p, uint32_t i);
/**
 * Appends @batch and makes it valid. Returns 0 or a negative errno: then the spool is as it was.
 */
int reader_spool_append(struct reader *r, struct reader_process *p, uint32_t segment,
			const struct reader_batch *batch);
/** Writes identity and counters of r->header to the spool's header. */
void reader_spool_refresh(struct reader *r, struct reader_process *p);
/** Forgets the spool's records; what was spooled stays known. */
void reader_spool_empty(struct reader *r, struct reader_process *p);

/** Receives one batch of a spool. Return < 0 to stop. */
typedef int reader_spool_sink(void *arg, uint32_t segment, const struct reader_batch *batch);
/** Delivers the batches in [@from, @to) of the spool. Returns 0 or what the sink returned. */
int reader_spool_walk(struct reader *r, struct reader_process *p, uint64_t from, uint64_t to,
		      reader_spool_sink *sink, void *arg);

#endif
