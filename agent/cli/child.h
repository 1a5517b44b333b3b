/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that `ctxagent run` starts: same process group, same standard streams, same signal
 * mask as without us; signals sent to ctxagent reach it, and its end becomes ours.
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#define CHILD_NOT_FOUND 127
#define CHILD_NOT_EXECUTABLE 126

struct child {
	pid_t pid;
	int signal_fd;			/* readable: call child_signals() */
	bool ended;
	bool interrupted;		/* told to stop after the child had ended */
	int wait_status;		/* once ended */
};

/**
 * Starts @argv with LD_PRELOAD and CTXAGENT_DIR set as given. Returns 0, or the negative errno of
 * fork or execvp().
 */
int child_start(struct child *c, char **argv, const char *preload, const char *directory);

/**
 * Takes the signals that came: forwards them, notices the child's end. What the terminal sent to
 * the whole foreground group reached the child already and is not sent twice.
 */
void child_signals(struct child *c);

/**
 * The exit status to return. When a signal killed the child: kills ctxagent the same way, or 128 +
 * n.
 */
int child_status(const struct child *c);

#endif
