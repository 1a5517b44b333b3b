/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went by, in a few numbers: spans, traces, errors and the programs they came from. Constant
 * memory: beyond SUMMARY_IDS_MAX traces or processes the count is a lower bound. Called by
 * `ctxagent run`.
 */
#ifndef EXPORT_SUMMARY_H
#define EXPORT_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "export/intern.h"
#include "record/reader.h"

#define SUMMARY_IDS_MAX (1u << 20)

/** A set of 64-bit numbers that are hashes or random. All-zero is empty. */
struct id_set {
	uint64_t *slots;		/* 0: free */
	uint32_t count, cap;
	bool full; /* SUMMARY_IDS_MAX reached: what is new from now on is not counted */
};

struct summary_program {
	uint32_t name;			/* interned */
	uint32_t processes;
};

struct summary {
	uint64_t spans, requests, calls, errors;
	uint64_t bytes;			/* of records */
	struct id_set traces, processes;
	struct intern names;
	struct summary_program *programs;
	uint32_t program_count;
};

void summary_add(struct summary *s, const struct reader_source *source,
		 const struct record *record);

/** One line: "12 requests, 24 spans, ...; programs: nginx (2), curl". */
void summary_print(const struct summary *s, FILE *f);
void summary_free(struct summary *s);

/** @n with a comma before each three digits; returns @out. */
#define SUMMARY_NUMBER_SIZE 32
const char *summary_number(uint64_t n, char *out);

#endif
