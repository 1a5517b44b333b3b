/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summing and printing counters; see counters.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "export/counters.h"

int counters_add(void *arg, const struct reader_source *source)
{
	struct counters *c = arg;

	for (unsigned int i = 0; i < COUNTER_COUNT; i++)
		c->sum[i] += reader_counter(source, i);
	c->processes++;
	return 0;
}

int counters_print(const struct counters *c, FILE *f)
{
	size_t width = 0;

	for (unsigned int i = 0; i < COUNTER_COUNT; i++)
		width = strlen(counter_name(i)) > width ? strlen(counter_name(i)) : width;
	fprintf(f, "%-*s %14s  %s\n", (int)width, "counter", "value", "meaning");
	for (unsigned int i = 0; i < COUNTER_COUNT; i++)
		fprintf(f, "%-*s %14" PRIu64 "  %s\n", (int)width, counter_name(i), c->sum[i],
			counter_help(i));
	fprintf(f, "%" PRIu64 " process%s\n", c->processes, c->processes == 1 ? "" : "es");
	return fflush(f) || ferror(f) ? -EIO : 0;
}
