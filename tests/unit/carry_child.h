/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings are read once in a process's life: tests of settings run in a child process for each of
 * them. And what such tests ask of a head that arrived: how often a header is in it, and its value.
 */
#ifndef CARRY_CHILD_H
#define CARRY_CHILD_H

#include "carry_harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/** A child process to run tests in. True in the child, which ends with child_ends(). */
static inline bool child_begins(int *failed)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		return true;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		++*failed;
	return false;
}

static inline void child_ends(int failed)
{
	fflush(NULL);
	_exit(failed != 0);
}

/** Starts an agent that records: @directory is a template for mkdtemp(), made here. */
static inline void start_recording(char *const *environment, char *directory)
{
	static char *none[] = {NULL};
	struct config config;
	struct carry_options options = {
		.config = &config, .directory = directory, .executable = "test"};

	assert_non_null(mkdtemp(directory));
	config_read(&config, environment ? environment : none, false);
	assert_int_equal(carry_start(&options), 0);
	assert_true(carry_enter());
	carry_leave();
}

/** Removes what start_recording() made; this process's ring stays mapped. */
static inline void remove_recording(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(directory);
}

/** A list of literals as an environment: it is only read. */
#define ENVIRONMENT(list) ((char *const *)(uintptr_t)(list))

/** Runs the tests that follow in a child whose agent was started with @environment. */
#define IN_CHILD(failed, name, environment, ...)                                              \
	do {                                                                                  \
		const struct CMUnitTest in_child_[] = {__VA_ARGS__};                          \
		if (child_begins(failed)) {                                                   \
			start_agent(environment);                                             \
			child_ends(cmocka_run_group_tests_name(name, in_child_, NULL, NULL)); \
		}                                                                             \
	} while (0)

/** The @n-th line (from 0) of @w that is a header called @name, its value behind ": "; NULL: there
 * is none. */
static inline const char *head_line(const struct wire *w, const char *name, int n)
{
	size_t len = strlen(name);

	for (const char *at = w->bytes; at && *at; at = strchr(at, '\n'), at += at != NULL)
		if (!strncasecmp(at, name, len) && at[len] == ':' && !n--)
			return at + len + 1 + (at[len + 1] == ' ');
	return NULL;
}

static inline int head_count(const struct wire *w, const char *name)
{
	int n = 0;

	while (head_line(w, name, n))
		n++;
	return n;
}

/** Exactly one header @name, with exactly this value; NULL: no such header. */
static inline void assert_head(const struct wire *w, const char *name, const char *value)
{
	const char *at = head_line(w, name, 0);
	const char *end = at ? strstr(at, "\r\n") : NULL;

	if (head_count(w, name) != (value != NULL))
		fail_msg("%d times %s in:\n%s", head_count(w, name), name, w->bytes);
	if (!value)
		return;
	if (!end || (size_t)(end - at) != strlen(value) || memcmp(at, value, strlen(value)))
		fail_msg("%s is not \"%s\" in:\n%s", name, value, w->bytes);
}

#endif
