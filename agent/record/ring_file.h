/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between ring.c (records and segments, the hot part), ring_file.c (system calls, the rare part)
 * and ring_count.c. Nobody else includes it.
 */
#ifndef RECORD_RING_FILE_H
#define RECORD_RING_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "record/ring.h"

/** This process's ring. One per process; a thread may read it while another one lets it grow. */
struct ring {
	_Atomic uint64_t generation;	/* 0: closed. Stored last when the ring opens */
	uint32_t *alive;		/* in a page that is wiped in a fork's child: 0 there */
	struct ring_header *header;
	struct ring_segment *_Atomic segment[RING_SEGMENTS_MAX];
	_Atomic uint32_t segments;	/* how many of them are mapped */
	uint32_t segments_max;
	_Atomic uint32_t opening;	/* try-lock of ring_open() */
	_Atomic uint32_t growing;	/* try-lock of ring_file_grow() */
	uint64_t failed;		/* generation for which ring_open() failed, and */
	int error;			/* why; guarded by `opening` */
	_Atomic uint64_t scan_ns;	/* no segment has room: do not look again before */
	_Atomic uint64_t grow_ns;	/* the file did not grow: do not try again before */
	_Atomic uint32_t sealed;
	char path[PATH_MAX];
};

/**
 * Makes directory and file and maps header and first segment. Everything of @r but `generation`
 * is set on success; on failure no file is left. Returns 0 or a negative errno.
 */
int ring_file_make(struct ring *r, const struct ring_identity *identity);

/**
 * One more segment, owned by the caller. NULL when another thread is at it, at the size limit, or
 * on failure (*error is set then).
 */
struct ring_segment *ring_file_grow(struct ring *r, uint32_t *index, int *error);

/** Severs this process from the file it inherited; see ring_forget(). */
void ring_file_sever(struct ring *r);

/** Makes @r->alive point to a word that says whether this process is the one that set it. */
void ring_file_alive(struct ring *r);

/* ---- ring_count.c ---- */

/** Counts go to @in_file from now on; what was counted before goes there too. */
void ring_counters_use(_Atomic uint64_t *in_file);
/** Counts start again at 0, in static memory. */
void ring_counters_reset(void);

#endif
