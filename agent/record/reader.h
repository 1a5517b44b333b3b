/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader's side of a directory of ring and spool files. Used by the ctxagent program only;
 * the library never links it. Everything read is hostile until checked: bytes are copied first,
 * then validated in the copy; a file that is cut short under us reads as zeros.
 *
 * Two ways to read, chosen at reader_open():
 *
 *   peek    nothing is changed. A process's spool and ring are delivered as one: no record twice,
 *           none missed, also while another process drains the same directory. No order across
 *           segments.
 *   drain   records are consumed: the ring's room is given back to its writers, who see that a
 *           reader is alive. One drainer per directory (flock on its file `lock`).
 *
 * Memory is bounded by the number of processes in the directory, never by the amount of data.
 * Context: one thread at a time per reader. Functions return 0 or a count, or a negative errno.
 */
#ifndef RECORD_READER_H
#define RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/counter.h"
#include "record/format.h"

/* ---- one process ---- */

/** A private copy of a file's header, validated. Valid during the call that passes it. */
struct reader_source {
	struct ring_header *header;	/* copy; texts by reader_text() */
	const char *name;		/* file name without its suffix: "<pid>-<generation>" */
};

/** The texts of a header. Never NULL; NUL-terminated; "" when not given. */
enum reader_text { READER_EXECUTABLE, READER_SERVICE, READER_RESOURCE, READER_CONTEXT };
#define READER_TEXT_SIZE (RING_TEXT_SIZE + 1)
/**
 * Copies text @which to @out (READER_TEXT_SIZE bytes) and returns its length. Bytes are the
 * user's own.
 */
size_t reader_text(const struct reader_source *source, enum reader_text which, char *out);

/** Value of a counter of counter.def; 0 for one that the writer did not know. */
uint64_t reader_counter(const struct reader_source *source, unsigned int counter);

/** CLOCK_MONOTONIC of the writer as nanoseconds since 1970. */
uint64_t reader_wall_ns(const struct reader_source *source, uint64_t monotonic_ns);

/** The process still runs: same pid, started before its ring was made, not a zombie. */
bool reader_alive(const struct reader_source *source);

/* ---- one record ---- */

/** The span in @record, or NULL when it is something else or contradicts itself. */
const struct record_span *reader_span(const struct record *record);

struct reader_attribute {
	unsigned int key;		/* < ATTRIBUTE_COUNT */
	const char *name;		/* of attribute.def */
	bool is_number;
	int64_t number;
	const char *text;		/* not NUL-terminated, any bytes; points into the span */
	size_t len;
};

/**
 * Takes the next attribute of @span (from reader_span()). Start with *at = 0. False at the end.
 * Attributes that are malformed or unknown to this build are skipped.
 */
bool reader_next_attribute(const struct record_span *span, size_t *at,
			   struct reader_attribute *out);

/* ---- a directory ---- */

enum reader_mode {
	READER_PEEK = 0,
	READER_DRAIN = 1 << 0,
	READER_KEEP = 1 << 1,	/* drain: what is taken from a ring is appended to a spool */
	READER_SPOOLS = 1 << 2,	/* drain: deliver, once, what spools hold; without KEEP remove it */
	READER_CREATE = 1 << 3,	/* make the directory (0700, parents too) when it is missing */
};

struct reader;

/**
 * Opens @directory. It must be a directory, not a symbolic link, owned by us (root may open
 * anybody's) and writable by its owner only. Returns 0, -ENOENT, -ENOTDIR, -ELOOP, -EPERM (owner
 * or mode), -EBUSY (drain: somebody else drains it), -ENOMEM ...
 */
int reader_open(struct reader **out, const char *directory, unsigned int mode);

/** NULL is fine. A drainer tells the writers that it is gone. */
void reader_close(struct reader *reader);

/**
 * Receives one record: validated in size, 8-byte aligned, at most RECORD_MAX bytes. Return < 0 to
 * stop.
 */
typedef int reader_sink(void *arg, const struct reader_source *source, const struct record *record);

/** Receives one process, with or without records. Return < 0 to stop. */
typedef int reader_each(void *arg, const struct reader_source *source);

/** Every process in the directory, as its files say now, in the order of pids. Changes nothing. */
int64_t reader_sources(struct reader *reader, reader_each *each, void *arg);

/** Delivers every record once. Returns how many, or what the sink returned to stop. */
int64_t reader_peek(struct reader *reader, reader_sink *sink, void *arg);

/**
 * One visit of a drainer: takes what is in the rings now. Cheap when there is nothing (no system
 * call but the clock's for most visits): call it each 5 to 10 ms. @final: look for new files and
 * dead processes now, do not wait for the next interval. Files of dead processes are removed once
 * drained; without KEEP their last counters go to reader_on_gone(). Without KEEP, records from
 * the one that the sink refused on stay in the ring; with KEEP they are in the spool. Returns how
 * many records were delivered, what the sink returned to stop, or a negative errno (the spool
 * could not be written: nothing is lost, call again).
 */
int64_t reader_drain(struct reader *reader, bool final, reader_sink *sink, void *arg);

/**
 * @gone is called with the last header of each process whose files are about to be removed or
 * left for good.
 */
void reader_on_gone(struct reader *reader, reader_each *gone, void *arg);

/** What went by since reader_open(). */
struct reader_stats {
	uint64_t records;		/* delivered */
	uint64_t files;			/* processes seen by the last scan */
	uint64_t refused;		/* files that are not ours: owner, kind, header */
	uint64_t foreign;		/* of these, files of another FORMAT_VERSION */
	uint64_t damaged;		/* segments or spools whose bytes made no sense */
	uint64_t removed;		/* processes whose ring was removed */
};
void reader_stats(const struct reader *reader, struct reader_stats *out);

#endif
