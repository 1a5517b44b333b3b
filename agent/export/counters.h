/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's counters, summed over processes, as a table for people: every give-up and the
 * self-audit. Called by `ctxagent show --counters`.
 */
#ifndef EXPORT_COUNTERS_H
#define EXPORT_COUNTERS_H

#include <stdint.h>
#include <stdio.h>

#include "record/counter.h"
#include "record/reader.h"

struct counters {
	uint64_t sum[COUNTER_COUNT];
	uint64_t processes;
};

/** A reader_each: @arg is the struct counters. */
int counters_add(void *arg, const struct reader_source *source);

/** Name, sum and help of every counter. Returns 0 or -EIO. */
int counters_print(const struct counters *c, FILE *f);

#endif
