/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's side of a ring file: made lazily, written by the program's own threads, read by
 * ctxagent (reader.h). A process that never has something to say never makes a file.
 *
 * System calls are made only in ring_open() and when a thread needs a segment; never once sealed.
 */
#ifndef RECORD_RING_H
#define RECORD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/format.h"

/** What goes into the header of a process's ring. Strings may be NULL. */
struct ring_identity {
	const char *directory;		/* absolute; made (0700) if missing, else checked */
	const char *executable;
	const char *service;
	const char *resource;
	const char *context;
	uint32_t size_max;		/* bytes the file may grow to */
	uint64_t generation;		/* random, never 0 */
};

/**
 * One thread's place in the ring. All-zero is "none yet". The segment is the one this thread
 * prefers, so that threads seldom meet; it is owned from ring_reserve() to ring_commit() only, so
 * any number of threads may share a few segments, and none is lost with a thread that ends
 * without a word.
 */
struct ring_writer {
	struct ring_segment *segment;
	uint64_t generation;		/* of the ring the segment belongs to */
	uint64_t position;		/* of the record that is being written */
	uint64_t since;			/* where this thread began in the segment */
	uint64_t spare;			/* from here on there should be another segment with room */
	uint32_t index;			/* of the segment */
	uint32_t reserved;		/* bytes reserved for the record; 0: none */
};

/**
 * Makes this process's ring file and its first segment. Idempotent per generation: a failure is
 * final and costs nothing the second time. Returns 0; -EAGAIN while another thread is at it; or a
 * negative errno (-EPERM: sealed, or the directory is not ours alone). Without a ring records are
 * counted as dropped. Context: not signal-safe; the caller holds the agent's guard; the
 * descriptor is closed on return.
 */
int ring_open(const struct ring_identity *identity);

/**
 * Grows the file to at least @bytes now (at most its size_max): for a process that will not be allowed
 * to open it later. Returns 0 or a negative errno; what was grown stays.
 */
int ring_extend(uint32_t bytes);

/**
 * Forgets the parent's ring after fork, in the child only, while it has one thread; never in a
 * vfork child. Nothing is unmapped, but private memory takes the place of the parent's ring
 * (unless sealed): a record that a signal handler's fork cut in two harms nobody. Counters start
 * again at 0.
 */
void ring_forget(void);

/** No system call from now on, in children neither: no growth. */
void ring_seal(void);

bool ring_is_open(void);

/** Where counters live: static memory before ring_open(), the file's header page after. */
void ring_count(unsigned int counter, uint64_t n);
uint64_t ring_counted(unsigned int counter);

/**
 * Room for one record of at most @size bytes (<= RECORD_MAX), 8-byte aligned, or NULL (counted).
 * With a reader alive a full ring refuses the newest; with none it gives up the oldest.
 */
void *ring_reserve(struct ring_writer *w, size_t size, uint64_t now_ns);
/**
 * Publishes the reserved record; record.size says how much was used, record.kind what it is.
 * No-op when nothing is reserved, or when the process has forked since.
 */
void ring_commit(struct ring_writer *w);
/** The thread ends: a reservation that is still open is given back. */
void ring_release(struct ring_writer *w);

#endif
