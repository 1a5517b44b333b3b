/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress on a terminal; see progress.h.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/progress.h"
#include "export/summary.h"

#define FIRST_MS 500		/* short work shows nothing */
#define EVERY_MS 200

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_start(struct progress *p, const char *what)
{
	*p = (struct progress){ .what = what, .on = isatty(STDERR_FILENO) };
	p->next_ms = now_ms() + FIRST_MS;
}

void progress_show(struct progress *p, uint64_t done)
{
	char number[SUMMARY_NUMBER_SIZE];

	if (!p->on || now_ms() < p->next_ms)
		return;
	fprintf(stderr, "\r%s %s\033[K", summary_number(done, number), p->what);
	fflush(stderr);
	p->shown = true;
	p->next_ms = now_ms() + EVERY_MS;
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

void progress_end(struct progress *p)
{
	progress_clear(p);
	p->on = false;
}
