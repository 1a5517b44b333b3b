/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sub-commands of the ctxagent program share: their table, the one way to read arguments,
 * where data is. Exit statuses: 0, 1 (failed), 2 (wrong usage); `run` returns its program's own.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum cli_status { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/** A long option. Options of a command are an array that ends with an all-zero row. */
struct cli_option {
	const char *name;		/* without the dashes */
	const char *argument; /* what the value is called in the help, or NULL: a switch */
	const char *help;
};

#define CLI_OPTIONS_MAX 16

struct cli_command {
	const char *name;
	const char *usage;		/* what follows "ctxagent NAME " */
	const char *summary;		/* one line, lower case, no full stop */
	const char *text;		/* the rest of the help: whole lines, or NULL */
	const struct cli_option *options;	/* or NULL */
	bool options_first; /* the first operand ends the options: the rest is somebody else's */
	int (*main)(const struct cli_command *self, int argc, char **argv);
};

/** The table of command.def, NULL at the end. */
extern const struct cli_command *const cli_commands[];
const struct cli_command *cli_find(const char *name);

/** Option values, in the order of the command's options: NULL: not given; a switch: "". */
struct cli_arguments {
	const char *values[CLI_OPTIONS_MAX];
	char **operands;		/* NULL at the end */
	int operand_count;
};

/**
 * Reads argv (argv[0] is the command's name). Returns true, or false with *status set: --help was
 * asked for and given, or one line about wrong usage was printed.
 */
bool cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_arguments *out,
	       int *status);

/** Prints "ctxagent NAME: message (see 'ctxagent help NAME')" to stderr. Returns CLI_USAGE. */
int cli_usage_error(const struct cli_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Prints "ctxagent: message" to stderr. Returns CLI_FAILED. */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The help of one command, to standard output (help.c). */
void cli_print_help(const struct cli_command *command);

/** All settings of this process's own environment. */
void cli_config(struct config *out);

#endif
