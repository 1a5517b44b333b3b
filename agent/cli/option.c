/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading arguments by a command's table of options, and saying what is wrong with them.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define HELP_VALUE 1000

int cli_error(const char *format, ...)
{
	va_list args;

	fputs("ctxagent: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
	return CLI_FAILED;
}

int cli_usage_error(const struct cli_command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "ctxagent %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (see 'ctxagent help %s')\n", command->name);
	return CLI_USAGE;
}

static void fill_table(const struct cli_command *command, struct option *table)
{
	size_t n = 0;

	for (const struct cli_option *o = command->options; o && o->name; o++, n++)
		table[n] = (struct option){o->name, o->argument ? required_argument : no_argument,
					   NULL, (int)n};
	table[n] = (struct option){ "help", no_argument, NULL, HELP_VALUE };
}

/** After getopt_long() said '?' or ':'. optopt is a bad letter, or the number of a long option. */
static int complain(const struct cli_command *command, int what, char **argv)
{
	if (what == ':')
		return cli_usage_error(command, "option '%s' needs a value", argv[optind - 1]);
	if (optopt > ' ' && optopt < 127)
		return cli_usage_error(command, "unknown option '-%c'", optopt);
	if (strchr(argv[optind - 1], '='))
		return cli_usage_error(command, "'%s': no such option, or it takes no value",
				       argv[optind - 1]);
	return cli_usage_error(command, "unknown option '%s'", argv[optind - 1]);
}

bool cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_arguments *out,
	       int *status)
{
	struct option table[CLI_OPTIONS_MAX + 2] = { 0 };
	int value;

	memset(out, 0, sizeof(*out));
	fill_table(command, table);
	opterr = 0;
	optind = 0;
	for (;;) {
		value = getopt_long(argc, argv, command->options_first ? "+:" : ":", table, NULL);
		if (value < 0)
			break;
		if (value == HELP_VALUE) {
			cli_print_help(command);
			*status = CLI_OK;
			return false;
		}
		if (value == '?' || value == ':') {
			*status = complain(command, value, argv);
			return false;
		}
		if (optarg && !*optarg) {
			*status = cli_usage_error(command, "option '--%s' needs a value",
						  table[value].name);
			return false;
		}
		out->values[value] = optarg ? optarg : "";
	}
	out->operands = argv + optind;
	out->operand_count = argc - optind;
	return true;
}

void cli_config(struct config *out)
{
	config_read(out, environ, false);
}
