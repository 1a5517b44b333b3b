/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every give-up and every step of the self-audit has a named counter. The rows of counter.def
 * and, after them, one per reason of context/refusal.def: both sides of a ring file derive the
 * same order.
 */
#ifndef RECORD_COUNTER_H
#define RECORD_COUNTER_H

enum counter {
#define COUNTER(id, name, help) COUNTER_##id,
#include "record/counter.def"
#undef COUNTER
#define REFUSAL(id, name, help) COUNTER_REFUSED_##id,
#include "context/refusal.def"
#undef REFUSAL
	COUNTER_COUNT,
};

#define COUNTER_REFUSED_FIRST COUNTER_REFUSED_PARENT_LENGTH

/** Dotted lower-case name and one line of help of counter @id (< COUNTER_COUNT). */
const char *counter_name(unsigned int id);
const char *counter_help(unsigned int id);

#endif
