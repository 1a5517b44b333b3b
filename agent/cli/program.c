/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the user typed to the file that the kernel runs: PATH and "#!" lines; see program.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/program.h"

#define SCRIPTS_MAX 4			/* the kernel follows as many */
#define DEFAULT_PATH "/bin:/usr/bin"	/* execvp(3) without PATH */

static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK))
		return -EACCES;
	return 0;
}

/** Looks for @name as execvp() does; -EACCES when all that was found cannot be executed. */
static int search_path(const char *name, char *out)
{
	const char *at = getenv("PATH");
	int err, result = -ENOENT;
	size_t len;

	for (at = at ? at : DEFAULT_PATH;; at += len + 1) {
		len = strcspn(at, ":");
		if (snprintf(out, PATH_MAX, "%.*s%s%s", (int)len, at, len ? "/" : "", name) <
		    PATH_MAX) {
			err = check_file(out);
			if (!err)
				return 0;
			if (err == -EACCES)
				result = err;
		}
		if (!at[len])
			return result;
	}
}

/** Puts the interpreter of the script @path to @out; false when it is no script. */
static bool read_script(const char *path, char *out)
{
	char line[PATH_MAX] = "";
	char *at = line + 2;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[strcspn(line, "\n")] = '\0';
	at += strspn(at, " \t");
	at[strcspn(at, " \t")] = '\0';
	snprintf(out, PATH_MAX, "%s", at);
	return *at != '\0';
}

/** What `#!/usr/bin/env NAME` runs in the end, when the line is as plain as that. */
static bool read_env_script(const char *path, char *out)
{
	static const char env[] = "/env";
	char line[PATH_MAX] = "";
	FILE *f = fopen(path, "re");
	char *at, *word;
	bool found = false;

	if (!f)
		return false;
	if (fgets(line, sizeof(line), f) && !strncmp(line, "#!", 2)) {
		at = strstr(line, env);
		word = at ? at + strlen(env) + strspn(at + strlen(env), " \t") : NULL;
		if (word) {
			word[strcspn(word, " \t\n")] = '\0';
			found = *word && *word != '-' && !strchr(word, '=') &&
				!search_path(word, out);
		}
	}
	fclose(f);
	return found;
}

int program_find(const char *name, char *out, char *script)
{
	char interpreter[PATH_MAX];
	int err;

	*script = '\0';
	if (!*name)
		return -ENOENT;
	if (!strchr(name, '/')) {
		err = search_path(name, out);
	} else {
		if (strlen(name) >= PATH_MAX)
			return -ENAMETOOLONG;
		snprintf(out, PATH_MAX, "%s", name);
		err = check_file(out);
	}
	for (unsigned int i = 0; !err && i < SCRIPTS_MAX && read_script(out, interpreter); i++) {
		if (!*script)
			snprintf(script, PATH_MAX, "%s", out);
		if (!read_env_script(out, out))
			snprintf(out, PATH_MAX, "%s", interpreter);
		err = check_file(out);
	}
	return err;
}
