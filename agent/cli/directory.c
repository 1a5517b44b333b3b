/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing and tidying directories; see directory.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/directory.h"
#include "record/format.h"

#define RUNS "runs"

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);

	return len > end_len && !strcmp(s + len - end_len, end);
}

/** Makes @path absolute without resolving links: reader_open() refuses those itself. */
static int absolute(const char *path, char *out, size_t cap)
{
	char cwd[PATH_MAX];
	size_t len = strlen(path);
	int n;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (*path == '/')
		n = snprintf(out, cap, "%.*s", (int)len, path);
	else if (getcwd(cwd, sizeof(cwd)))
		n = snprintf(out, cap, "%s/%.*s", cwd, (int)len, path);
	else
		return -errno;
	return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

int directory_default(const struct config *config, const char *option, char *out, size_t cap)
{
	int len;

	if (option)
		return absolute(option, out, cap);
	if (*config->text[CONFIG_ID_DIR])
		return absolute(config->text[CONFIG_ID_DIR], out, cap);
	len = config_directory(config, environ, out, cap);
	return len < 0 ? len : 0;
}

static bool is_named(const struct config *config, const char *option)
{
	return option || *config->text[CONFIG_ID_DIR];
}

/* ---- old runs ---- */

static int is_run(const struct dirent *entry)
{
	return entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
}

/** Somebody may still write there. */
static bool has_ring(DIR *dir)
{
	const struct dirent *entry;
	bool found = false;

	while (!found && (entry = readdir(dir)))
		found = ends_with(entry->d_name, RING_SUFFIX);
	rewinddir(dir);
	return found;
}

/** Removes a run's directory, if all that is left in it are files of ours that nobody writes. */
static void remove_run(int runs, const char *name)
{
	int fd = openat(runs, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	if (!has_ring(dir)) {
		while ((entry = readdir(dir)))
			if (ends_with(entry->d_name, SPOOL_SUFFIX) ||
			    ends_with(entry->d_name, ".jsonl") || !strcmp(entry->d_name, "lock"))
				unlinkat(fd, entry->d_name, 0);
		unlinkat(runs, name, AT_REMOVEDIR);
	}
	closedir(dir);
}

/** Names begin with the time: the order of names is that of age. */
static void remove_old_runs(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent **names;
	int count;

	if (fd < 0)
		return;
	count = scandirat(fd, ".", &names, is_run, alphasort);
	for (int i = 0; i < count; i++) {
		if (i < count - DIRECTORY_RUNS_KEPT + 1)
			remove_run(fd, names[i]->d_name);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	close(fd);
}

int directory_for_run(const struct config *config, const char *option, char *out, size_t cap)
{
	int err = directory_default(config, option, out, cap);
	time_t now = time(NULL);
	char stamp[32] = "";
	struct tm tm;
	size_t len;

	if (err || is_named(config, option))
		return err;
	len = strlen(out);
	if (len + sizeof("/" RUNS) >= cap)
		return -ENAMETOOLONG;
	memcpy(out + len, "/" RUNS, sizeof("/" RUNS));
	remove_old_runs(out);
	len = strlen(out);
	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	if (snprintf(out + len, cap - len, "/%s-%d", stamp, (int)getpid()) >= (int)(cap - len))
		return -ENAMETOOLONG;
	return 0;
}

/* ---- where to read ---- */

/** When the newest ring or spool file in @path was written; 0: none. */
static struct timespec newest(const char *path)
{
	struct timespec last = { 0 };
	DIR *dir = opendir(path);
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		if (!ends_with(entry->d_name, RING_SUFFIX) &&
		    !ends_with(entry->d_name, SPOOL_SUFFIX))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (st.st_mtim.tv_sec > last.tv_sec ||
		    (st.st_mtim.tv_sec == last.tv_sec && st.st_mtim.tv_nsec > last.tv_nsec))
			last = st.st_mtim;
	}
	if (dir)
		closedir(dir);
	return last;
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

int directory_to_read(const struct config *config, const char *option, char *out, size_t cap)
{
	int err = directory_default(config, option, out, cap);
	struct dirent **names;
	struct timespec best;
	char base[PATH_MAX], path[PATH_MAX + NAME_MAX + sizeof(RUNS) + 2];
	int count;

	if (err || is_named(config, option))
		return err;
	snprintf(base, sizeof(base), "%s", out);
	snprintf(path, sizeof(path), "%s/" RUNS, base);
	best = newest(base);
	count = scandir(path, &names, is_run, alphasort);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/" RUNS "/%s", base, names[i]->d_name);
		free(names[i]);
		if (!later(newest(path), best) || strlen(path) >= cap)
			continue;
		best = newest(path);
		snprintf(out, cap, "%s", path);
	}
	if (count >= 0)
		free(names);
	return 0;
}

int directory_complain(const char *directory, int error)
{
	switch (-error) {
	case ENOENT:
		if (!*directory)
			return cli_error(
				"no directory: set CTXAGENT_DIR, XDG_RUNTIME_DIR or HOME to an "
				"absolute path, or use --dir");
		return cli_error("%s does not exist: nothing was traced into it", directory);
	case ELOOP:
		return cli_error("%s is a symbolic link: name the directory itself", directory);
	case EPERM:
		return cli_error("%s must belong to you and be writable by you only (chmod 700)",
				 directory);
	case EBUSY:
		return cli_error("%s: another ctxagent takes the data out of it already",
				 directory);
	default:
		return cli_error("%s: %s", directory, strerror(-error));
	}
}
