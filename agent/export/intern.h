/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each text kept once: a million spans name a few hundred things.
 */
#ifndef EXPORT_INTERN_H
#define EXPORT_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "export/memory.h"

/** All-zero is empty. Numbers are given in order of first appearance, from 0. */
struct intern {
	struct arena arena;
	const char **texts;		/* by number */
	uint32_t *slots;		/* number + 1; 0: free */
	uint32_t count, cap;		/* cap: slots, a power of two, at least twice the count */
};

/** The number of @text. */
uint32_t intern_put(struct intern *in, const char *text);
const char *intern_text(const struct intern *in, uint32_t number);
void intern_free(struct intern *in);

/** A 64-bit hash for tables in memory (FNV-1a, finished by a multiplication). */
uint64_t intern_hash(const void *data, size_t len);

#endif
