/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of this machine and this environment: the library, the settings, the directory of the ring
 * files, limits, the endpoint. See doctor.h.
 */
#include <errno.h>
#include <gelf.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/directory.h"
#include "cli/doctor.h"
#include "cli/library.h"
#include "export/sender.h"

#define ENDPOINT_WAIT_MS 5000
#define SELF_TEST "/bin/true"

/* ---- library ---- */

static void check_access(struct doctor *d)
{
	char path[PATH_MAX];
	struct stat st;

	if (stat(d->library, &st))
		return;
	if (!(st.st_mode & S_IROTH))
		doctor_say(d, DOCTOR_WARN, "library", "chmod a+r it",
			   "%s is not readable for everybody: programs of other users go untraced",
			   d->library);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		doctor_say(d, DOCTOR_WARN, "library", "chmod go-w it",
			   "%s can be changed by others, and so what every traced program does",
			   d->library);
	snprintf(path, sizeof(path), "%s", d->library);
	for (char *slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (!stat(path, &st) && !(st.st_mode & S_IXOTH)) {
			doctor_say(d, DOCTOR_WARN, "library", "install it below /usr/lib or /opt",
				   "%s is closed to other users: their programs go untraced", path);
			return;
		}
	}
}

static void check_glibc(struct doctor *d)
{
	const char *needs = d->library_facts.glibc;
	const char *have = gnu_get_libc_version();

	if (needs && strverscmp(needs + strlen("GLIBC_"), have) > 0)
		doctor_say(d, DOCTOR_FAIL, "library",
			   "build it on the oldest system it is to run on",
			   "it needs %s and the C library here is %s", needs, have);
}

void doctor_check_library(struct doctor *d)
{
	int err = library_find(d->library, sizeof(d->library));

	if (err) {
		doctor_say(d, DOCTOR_FAIL, "library",
			   err == -EINVAL
				   ? "move it: LD_PRELOAD cannot name it"
				   : "put it beside ctxagent, in ../lib or in ../lib/ctxagent",
			   err == -EINVAL ? "%s: a space or a colon in its path"
					  : LIBRARY_NAME " is missing%s",
			   err == -EINVAL ? d->library : "");
		d->library[0] = '\0';
		return;
	}
	err = elf_read(d->library, &d->library_facts);
	if (err) {
		doctor_say(d, DOCTOR_FAIL, "library", "install it again", "%s: %s", d->library,
			   strerror(-err));
		d->library[0] = '\0';
		return;
	}
	doctor_say(d, DOCTOR_OK, "library", NULL, "%s, %s, %u functions hooked", d->library,
		   elf_machine_name(d->library_facts.machine), d->library_facts.exports.count);
	check_access(d);
	check_glibc(d);
}

void doctor_check_self_test(struct doctor *d)
{
	char program[] = SELF_TEST;
	char *argv[] = { program, NULL };
	struct buffer out = { 0 };
	int status;

	if (!*d->library)
		return;
	status = doctor_capture(argv, "LD_PRELOAD", d->library, &out);
	if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		doctor_say(d, DOCTOR_FAIL, "self test", "do not preload it here",
			   SELF_TEST " with the library ends with status %#x: %s",
			   (unsigned int)status, out.data);
	else if (out.len > 1)
		doctor_say(d, DOCTOR_FAIL, "self test", "do not preload it here",
			   SELF_TEST " with the library prints: %.*s", (int)strcspn(out.data, "\n"),
			   out.data);
	else
		doctor_say(d, DOCTOR_OK, "self test", NULL,
			   SELF_TEST " runs with the library as without");
	buffer_free(&out);
}

/* ---- environment ---- */

void doctor_check_environment(struct doctor *d)
{
	const char *preload = getenv("LD_PRELOAD");

	if (preload && *preload)
		doctor_say(d, DOCTOR_WARN, "LD_PRELOAD",
			   strstr(preload, "faketime")
				   ? "span times will be those of its clock, or unset it"
				   : "'ctxagent run' keeps it and adds the agent at the end",
			   "holds %s already", preload);
	else
		doctor_say(d, DOCTOR_OK, "LD_PRELOAD", NULL, "is free");
	if (d->config.disabled)
		doctor_say(d, DOCTOR_FAIL, "settings", "unset it",
			   "OTEL_SDK_DISABLED is true: nothing is traced");
	else if (d->config.problems)
		doctor_say(d, DOCTOR_WARN, "settings", "see 'ctxagent help settings'",
			   "%u variables are set to something unusable: defaults are used",
			   d->config.problems);
	else
		doctor_say(d, DOCTOR_OK, "settings", NULL, "all usable");
}

/* ---- directory ---- */

/** The nearest directory above @path that exists, in place. */
static void nearest_existing(char *path, struct stat *st)
{
	char *slash;

	while (stat(path, st)) {
		slash = strrchr(path, '/');
		if (!slash || slash == path) {
			path[path[0] == '/'] = '\0';
			stat(path, st);
			return;
		}
		*slash = '\0';
	}
}

static void check_space(struct doctor *d, const char *path)
{
	struct statvfs fs;
	unsigned long long have;

	if (statvfs(path, &fs))
		return;
	have = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (fs.f_flag & ST_RDONLY)
		doctor_say(d, DOCTOR_FAIL, "directory",
			   "choose another one with CTXAGENT_DIR or --dir",
			   "%s is on a read-only file system", path);
	else if (have < d->config.ring_size)
		doctor_say(d, DOCTOR_WARN, "directory", "make room, or lower CTXAGENT_RING_SIZE",
			   "%llu KiB are free, one process's ring may grow to %u KiB", have / 1024,
			   d->config.ring_size / 1024);
	else
		doctor_say(d, DOCTOR_OK, "space", NULL,
			   "%llu MiB free, a ring grows to %u MiB at most", have >> 20,
			   d->config.ring_size >> 20);
}

static void check_existing(struct doctor *d, const char *path, const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		doctor_say(d, DOCTOR_FAIL, "directory", "name the directory itself",
			   "%s is a symbolic link", path);
	else if (!S_ISDIR(st->st_mode))
		doctor_say(d, DOCTOR_FAIL, "directory", "choose another one", "%s is no directory",
			   path);
	else if (st->st_uid != geteuid())
		doctor_say(d, geteuid() ? DOCTOR_FAIL : DOCTOR_WARN, "directory",
			   "programs of each user need a directory of their own",
			   "%s belongs to user %u", path, (unsigned int)st->st_uid);
	else if (st->st_mode & (S_IWGRP | S_IWOTH))
		doctor_say(d, DOCTOR_FAIL, "directory", "chmod 700 it", "%s is writable by others",
			   path);
	else if (access(path, R_OK | W_OK | X_OK))
		doctor_say(d, DOCTOR_FAIL, "directory", "chmod 700 it", "%s: %s", path,
			   strerror(errno));
	else
		doctor_say(d, DOCTOR_OK, "directory", NULL, "%s", path);
}

void doctor_check_directory(struct doctor *d)
{
	char path[PATH_MAX] = "", parent[PATH_MAX];
	struct stat st;
	int err = directory_default(&d->config, d->option_dir, path, sizeof(path));

	if (err) {
		doctor_say(d, DOCTOR_FAIL, "directory", "set CTXAGENT_DIR to an absolute path",
			   "none: neither CTXAGENT_DIR nor XDG_RUNTIME_DIR nor HOME is usable");
		return;
	}
	snprintf(parent, sizeof(parent), "%s", path);
	if (!lstat(path, &st)) {
		check_existing(d, path, &st);
	} else {
		nearest_existing(parent, &st);
		if (access(parent, W_OK | X_OK))
			doctor_say(d, DOCTOR_FAIL, "directory",
				   "make it, or choose one with CTXAGENT_DIR",
				   "%s cannot be made in %s: %s", path, parent, strerror(errno));
		else
			doctor_say(d, DOCTOR_OK, "directory", NULL, "%s will be made", path);
	}
	check_space(d, parent);
}

void doctor_check_limits(struct doctor *d)
{
	struct rlimit size, memory;

	if (getrlimit(RLIMIT_FSIZE, &size) || getrlimit(RLIMIT_AS, &memory))
		return;
	if (size.rlim_cur < d->config.ring_size)
		doctor_say(d, DOCTOR_WARN, "limits",
			   "raise 'ulimit -f', or lower CTXAGENT_RING_SIZE",
			   "files may grow to %llu KiB only: rings stay as small, or are not made",
			   (unsigned long long)size.rlim_cur / 1024);
	if (memory.rlim_cur != RLIM_INFINITY && memory.rlim_cur < 4ull * d->config.ring_size)
		doctor_say(d, DOCTOR_WARN, "limits",
			   "raise 'ulimit -v', or lower CTXAGENT_RING_SIZE",
			   "a process may have %llu KiB of memory only",
			   (unsigned long long)memory.rlim_cur / 1024);
	if (size.rlim_cur >= d->config.ring_size)
		doctor_say(d, DOCTOR_OK, "limits", NULL, "files may grow as large as a ring");
}

/* ---- endpoint ---- */

/** An empty request is a valid one (OTLP): all receivers must accept it. */
static void try_endpoint(struct doctor *d, const struct endpoint *endpoint)
{
	const char *body = endpoint->json ? "{}" : "";
	enum sender_state state = SENDER_BUSY;
	struct sender *sender;
	char error[256];

	sender = sender_open(endpoint, error, sizeof(error));
	if (!sender) {
		doctor_say(d, DOCTOR_FAIL, "endpoint", "correct the setting", "%s", error);
		return;
	}
	sender_submit(sender, body, strlen(body));
	for (int waited = 0; state == SENDER_BUSY && waited < ENDPOINT_WAIT_MS; waited += 50) {
		state = sender_step(sender, -1, 50);
		if (sender_stats(sender)->failures)
			break;
	}
	if (state == SENDER_DELIVERED)
		doctor_say(d, DOCTOR_OK, "endpoint", NULL, "%s accepts spans", endpoint->url);
	else
		doctor_say(d, DOCTOR_FAIL, "endpoint", "start the receiver, or correct the setting",
			   "%s: %s", endpoint->url,
			   *sender_stats(sender)->error ? sender_stats(sender)->error
							: "no answer");
	sender_close(sender);
}

void doctor_check_endpoint(struct doctor *d)
{
	struct endpoint endpoint;
	char error[256];

	if (endpoint_read(&d->config, NULL, &endpoint, error, sizeof(error))) {
		doctor_say(d, DOCTOR_FAIL, "endpoint", "correct the setting", "%s", error);
		return;
	}
	if (endpoint.url)
		try_endpoint(d, &endpoint);
	else
		doctor_say(d, DOCTOR_OK, "endpoint", NULL, "none set: spans stay in the directory");
	endpoint_free(&endpoint);
}
