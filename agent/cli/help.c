/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ctxagent help`: every text here is made from the tables that the program works by. The man pages
 * take theirs from `help settings --roff` and `help counters --roff`.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "record/counter.h"

enum { OPT_ROFF };

static const struct cli_option options[] = {
	[OPT_ROFF] = { "roff", NULL, "settings and counters as a man page's source" },
	{ 0 },
};

static void print_options(const struct cli_option *o)
{
	char left[64];

	if (o && o->name)
		puts("\nOptions:");
	for (; o && o->name; o++) {
		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->argument ? " " : "",
			 o->argument ? o->argument : "");
		printf("  %-16s %s\n", left, o->help);
	}
}

void cli_print_help(const struct cli_command *command)
{
	printf("Usage: ctxagent %s %s\n\n%s\n", command->name, command->usage, command->summary);
	if (command->text)
		printf("\n%s", command->text);
	print_options(command->options);
}

static int print_overview(void)
{
	puts("Usage: ctxagent COMMAND ...\n\n"
	     "Distributed tracing of unmodified programs: starts them with libctxagent.so "
	     "preloaded,\n"
	     "shows what they did, sends it on.\n");
	for (size_t i = 0; cli_commands[i]; i++)
		printf("  %-8s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
	puts("\n'ctxagent help COMMAND' says more about each; 'ctxagent help settings' lists the\n"
	     "environment variables, 'ctxagent help counters' what the agent counts.\n"
	     "'ctxagent --version' prints the version.");
	return CLI_OK;
}

/** A backslash means something to roff, and '-' alone is a hyphen there. */
static void print_roff(const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

static void print_roff_row(const char *name, const char *help, const char *value)
{
	printf(".TP\n.B ");
	print_roff(name);
	printf("\n");
	print_roff(help);
	if (value && *value) {
		printf(" (default ");
		print_roff(value);
		printf(")");
	}
	putchar('\n');
}

static int print_settings(bool roff)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		const struct config_row *row = &config_rows[i];

		if (roff)
			print_roff_row(row->variable, row->help, row->value);
		else
			printf("%s%s%s\n        %s\n", row->variable, *row->value ? "=" : "",
			       row->value, row->help);
	}
	return CLI_OK;
}

static int print_counters(bool roff)
{
	for (unsigned int i = 0; i < COUNTER_COUNT; i++) {
		if (roff)
			print_roff_row(counter_name(i), counter_help(i), NULL);
		else
			printf("%-24s %s\n", counter_name(i), counter_help(i));
	}
	return CLI_OK;
}

static int help_main(const struct cli_command *self, int argc, char **argv)
{
	const struct cli_command *command;
	struct cli_arguments args;
	int status;

	if (!cli_parse(self, argc, argv, &args, &status))
		return status;
	if (args.operand_count > 1)
		return cli_usage_error(self, "one topic at a time");
	if (!args.operand_count)
		return print_overview();
	if (!strcmp(args.operands[0], "settings"))
		return print_settings(args.values[OPT_ROFF]);
	if (!strcmp(args.operands[0], "counters"))
		return print_counters(args.values[OPT_ROFF]);
	command = cli_find(args.operands[0]);
	if (!command)
		return cli_usage_error(self, "no command or topic '%s'", args.operands[0]);
	cli_print_help(command);
	return CLI_OK;
}

const struct cli_command cli_help = {
	.name = "help",
	.usage = "[COMMAND | settings | counters]",
	.summary = "explain a command, list settings or counters",
	.options = options,
	.main = help_main,
};
