/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ctxagent program: finds the sub-command and hands over. It never traces itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/library.h"
#include "export/model.h"

#define COMMAND(name) extern const struct cli_command cli_##name;
#include "cli/command.def"
#undef COMMAND

const struct cli_command *const cli_commands[] = {
#define COMMAND(name) &cli_##name,
#include "cli/command.def"
#undef COMMAND
	NULL,
};

const struct cli_command *cli_find(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (!strcmp(cli_commands[i]->name, name))
			return cli_commands[i];
	return NULL;
}

/** Started under the agent itself (a preloaded shell, say): starts again without it. */
static void leave_own_agent(char **argv)
{
	char *rest;

	if (!library_is_preloaded(getenv("LD_PRELOAD")))
		return;
	rest = library_remove(getenv("LD_PRELOAD"));
	if (*rest)
		setenv("LD_PRELOAD", rest, 1);
	else
		unsetenv("LD_PRELOAD");
	free(rest);
	execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	static const char usage[] = "ctxagent: %s%s (see 'ctxagent help')\n";
	const struct cli_command *command;

	leave_own_agent(argv);
	if (argc < 2) {
		fprintf(stderr, usage, "a command is missing: run, show, export, doctor or help",
			"");
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("ctxagent " CTXAGENT_VERSION);
		return CLI_OK;
	}
	command = cli_find(!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ? "help" : argv[1]);
	if (!command) {
		fprintf(stderr, usage, "unknown command ", argv[1]);
		return CLI_USAGE;
	}
	return command->main(command, argc - 1, argv + 1);
}
