/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line on a terminal that tells how far long work has come; nothing anywhere else.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;	/* follows the number */
	bool on;		/* stderr is a terminal */
	bool shown;
	int64_t next_ms;
};

void progress_start(struct progress *p, const char *what);
/** Cheap; draws a few times a second at most. */
void progress_show(struct progress *p, uint64_t done);
/** Takes the line away, for a message. */
void progress_clear(struct progress *p);
void progress_end(struct progress *p);

#endif
