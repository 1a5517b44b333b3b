/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ctxagent doctor`: will it work here, with this program, in this process? See doctor.h.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/library.h"
#include "cli/program.h"

#define CAPTURE_MS 10000

enum { OPT_PID, OPT_DIR };

static const struct cli_option options[] = {
	[OPT_PID] = { "pid", "PID", "look at a running process instead of a program" },
	[OPT_DIR] = { "dir", "DIR", "check DIR instead of the default directory" },
	{ 0 },
};

enum scope { ALWAYS, PROGRAM, PROCESS };

/** All checks, in the order of their output. */
static const struct {
	void (*check)(struct doctor *d);
	enum scope scope;
} checks[] = {
	{ doctor_check_library, ALWAYS },
	{ doctor_check_self_test, ALWAYS },
	{ doctor_check_environment, ALWAYS },
	{ doctor_check_kind, PROGRAM },
	{ doctor_check_privileges, PROGRAM },
	{ doctor_check_loader, PROGRAM },
	{ doctor_check_libraries, PROGRAM },
	{ doctor_check_sanitizer, PROGRAM },
	{ doctor_check_hooks, PROGRAM },
	{ doctor_check_blind_spots, PROGRAM },
	{ doctor_check_attached, PROCESS },
	{ doctor_check_confinement, PROCESS },
	{ doctor_check_root, PROCESS },
	{ doctor_check_descriptors, PROCESS },
	{ doctor_check_directory, ALWAYS },
	{ doctor_check_limits, ALWAYS },
	{ doctor_check_endpoint, ALWAYS },
};

void doctor_say(struct doctor *d, enum doctor_grade grade, const char *subject, const char *advice,
		const char *format, ...)
{
	static const char *const names[] = { "OK", "WARN", "FAIL" };
	va_list args;

	printf("%-4s  %s: ", names[grade], subject);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	if (advice)
		printf("; %s", advice);
	putchar('\n');
	d->failed += grade == DOCTOR_FAIL;
}

static void become(char *const *argv, const char *name, const char *value, int output)
{
	unsetenv("LD_PRELOAD");
	setenv(name, value, 1);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

/** Reads until the end of @fd; false when that took too long. */
static bool read_output(int fd, struct buffer *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		if (poll(&p, 1, CAPTURE_MS) <= 0)
			return false;
		n = read(fd, buffer_room(out, 4096), 4096);
		if (n <= 0)
			return true;
		out->len += (size_t)n;
	}
}

int doctor_capture(char *const *argv, const char *name, const char *value, struct buffer *out)
{
	int fds[2], status = 0;
	pid_t pid;

	if (pipe(fds))
		return -errno;
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		status = -errno;
		close(fds[0]);
		close(fds[1]);
		return status;
	}
	if (!pid)
		become(argv, name, value, fds[1]);
	close(fds[1]);
	if (!read_output(fds[0], out))
		kill(pid, SIGKILL);
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	buffer_append(out, "", 1);
	return status;
}

static int find_target(const struct cli_command *self, struct doctor *d,
		       const struct cli_arguments *args)
{
	const char *pid = args->values[OPT_PID];
	char link[64], *end;
	ssize_t len;
	int err;

	if (pid) {
		d->pid = (pid_t)strtol(pid, &end, 10);
		if (*end || d->pid <= 0)
			return cli_usage_error(self, "'%s' is no process id", pid);
		snprintf(link, sizeof(link), "/proc/%d/exe", (int)d->pid);
		len = readlink(link, d->program, sizeof(d->program) - 1);
		if (len < 0)
			return cli_error("process %d: %s", (int)d->pid,
					 errno == ENOENT ? "no such process" : strerror(errno));
		return access(d->program, R_OK) ? cli_error("%s: %s", d->program, strerror(errno))
						: 0;
	}
	if (!args->operand_count)
		return 0;
	err = program_find(args->operands[0], d->program, d->script);
	return err ? cli_error("%s: %s", args->operands[0], strerror(-err)) : 0;
}

static bool applies(const struct doctor *d, enum scope scope)
{
	return scope == ALWAYS || (scope == PROGRAM && *d->program) || (scope == PROCESS && d->pid);
}

static int doctor_main(const struct cli_command *self, int argc, char **argv)
{
	struct doctor *d;
	struct cli_arguments args;
	int status;

	if (!cli_parse(self, argc, argv, &args, &status))
		return status;
	if (args.operand_count > (args.values[OPT_PID] ? 0 : 1))
		return cli_usage_error(self,
				       "one program or one process at a time, without arguments");
	d = memory_get(sizeof(*d));
	cli_config(&d->config);
	d->option_dir = args.values[OPT_DIR];
	status = find_target(self, d, &args);
	for (size_t i = 0; !status && i < sizeof(checks) / sizeof(checks[0]); i++)
		if (applies(d, checks[i].scope))
			checks[i].check(d);
	if (!status && d->failed)
		status = CLI_FAILED;
	elf_free(&d->facts);
	elf_free(&d->library_facts);
	intern_free(&d->libraries);
	intern_free(&d->missing);
	free(d);
	return status;
}

const struct cli_command cli_doctor = {
	.name = "doctor",
	.usage = "[--dir DIR] [PROGRAM | --pid PID]",
	.summary = "say whether it will work here, and what to do if not",
	.text = "One line a finding: OK, WARN (works, but) or FAIL (will not work). Exit status 1 "
		"when\n"
		"something FAILs. The program is not executed.\n",
	.options = options,
	.main = doctor_main,
};
