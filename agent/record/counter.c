/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and help of the counters, from the tables. Used by both sides of a ring file.
 */
#include "base/compiler.h"
#include "record/counter.h"

static const struct {
	const char *name, *help;
} counter_rows[] = {
#define COUNTER(id, name, help) { name, help },
#include "record/counter.def"
#undef COUNTER
#define REFUSAL(id, name, help) { name, help },
#include "context/refusal.def"
#undef REFUSAL
};
_Static_assert(ARRAY_SIZE(counter_rows) == COUNTER_COUNT, "one row per counter");

const char *counter_name(unsigned int id)
{
	return id < COUNTER_COUNT ? counter_rows[id].name : "";
}

const char *counter_help(unsigned int id)
{
	return id < COUNTER_COUNT ? counter_rows[id].help : "";
}
