/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which directory of ring and spool files a command works on.
 *
 *     BASE = $XDG_RUNTIME_DIR/ctxagent or $HOME/.local/state/ctxagent
 *     BASE/<process>.ring          programs started with a bare LD_PRELOAD
 *     BASE/runs/<time>-<pid>/      one `ctxagent run` each, the newest DIRECTORY_RUNS_KEPT of them
 *
 * --dir or CTXAGENT_DIR names another one, which is then used as it is.
 */
#ifndef CLI_DIRECTORY_H
#define CLI_DIRECTORY_H

#include <stddef.h>

#include "config/config.h"

#define DIRECTORY_RUNS_KEPT 16

/**
 * The directory for a new run. Old runs' directories without live rings are removed. Returns 0 or
 * -errno.
 */
int directory_for_run(const struct config *config, const char *option, char *out, size_t cap);

/** The directory to read: as named, else the one of BASE and its runs that was written to last. */
int directory_to_read(const struct config *config, const char *option, char *out, size_t cap);

/** The directory a bare LD_PRELOAD writes to. */
int directory_default(const struct config *config, const char *option, char *out, size_t cap);

/**
 * One line on stderr about @error from one of the above or from reader_open(). Returns CLI_FAILED.
 */
int directory_complain(const char *directory, int error);

#endif
