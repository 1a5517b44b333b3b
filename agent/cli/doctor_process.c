/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of a running process by what /proc says about it; see doctor.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/library.h"
#include "record/format.h"

/** Appends all of /proc/PID/@name and a NUL to @out. Returns 0 or a negative errno. */
static int read_proc(const struct doctor *d, const char *name, struct buffer *out)
{
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)d->pid, name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	do {
		n = fread(buffer_room(out, 65536), 1, 65536, f);
		out->len += n;
	} while (n);
	fclose(f);
	buffer_append(out, "", 1);
	return 0;
}

/**
 * The path of the first mapped file whose name ends with @suffix, or NULL; NUL-terminated in
 * place.
 */
static const char *mapped_file(char *maps, const char *suffix)
{
	size_t len = strlen(suffix);
	char *save = NULL, *path;

	for (char *line = strtok_r(maps, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		path = strchr(line, '/');
		if (path && strlen(path) >= len && !strcmp(path + strlen(path) - len, suffix))
			return path;
	}
	return NULL;
}

void doctor_check_attached(struct doctor *d)
{
	struct buffer maps = { 0 }, again = { 0 };
	const char *library, *ring;
	int err = read_proc(d, "maps", &maps);

	if (err) {
		doctor_say(d, DOCTOR_FAIL, "process", "run doctor as its user, or as root",
			   "%d: %s", (int)d->pid, strerror(-err));
		return;
	}
	buffer_append(&again, maps.data, maps.len);
	library = mapped_file(maps.data, "/" LIBRARY_NAME);
	ring = mapped_file(again.data, RING_SUFFIX);
	if (!library)
		doctor_say(d, DOCTOR_FAIL, "process", "start it again with 'ctxagent run'",
			   "%d runs without the agent, and a preload acts at the start only",
			   (int)d->pid);
	else if (ring)
		doctor_say(d, DOCTOR_OK, "process", NULL, "%d is traced into %s", (int)d->pid,
			   ring);
	else
		doctor_say(d, DOCTOR_OK, "process", NULL,
			   "%d runs with the agent and has had nothing to record yet", (int)d->pid);
	buffer_free(&maps);
	buffer_free(&again);
}

static void check_seccomp(struct doctor *d)
{
	static const char seccomp[] = "\nSeccomp:";
	struct buffer status = { 0 };
	const char *at;

	if (!read_proc(d, "status", &status) && status.data) {
		at = strstr(status.data, seccomp);
		if (at && strtol(at + strlen(seccomp), NULL, 10))
			doctor_say(d, DOCTOR_WARN, "sandbox",
				   "give it a large enough ring from the start",
				   "a seccomp filter is on: the agent makes no system call there "
				   "any more");
		else
			doctor_say(d, DOCTOR_OK, "sandbox", NULL, "no seccomp filter");
	}
	buffer_free(&status);
}

void doctor_check_confinement(struct doctor *d)
{
	struct buffer label = { 0 };

	check_seccomp(d);
	if (!read_proc(d, "attr/current", &label) && label.data && strstr(label.data, "(enforce)"))
		doctor_say(d, DOCTOR_WARN, "sandbox",
			   "let the profile read the library and write the directory",
			   "AppArmor profile %.*s", (int)strcspn(label.data, "\n"), label.data);
	buffer_free(&label);
}

void doctor_check_root(struct doctor *d)
{
	char path[PATH_MAX + 64];
	struct stat theirs, ours;

	snprintf(path, sizeof(path), "/proc/%d/root/", (int)d->pid);
	if (!*d->library || stat(path, &theirs) || stat("/", &ours) ||
	    (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino))
		return;
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)d->pid, d->library);
	if (access(path, R_OK))
		doctor_say(d, DOCTOR_FAIL, "root", "put the library there, at the same path",
			   "it lives in another root directory that lacks %s", d->library);
	else
		doctor_say(d, DOCTOR_OK, "root", NULL,
			   "another root directory, the library is there too");
}

void doctor_check_descriptors(struct doctor *d)
{
	char path[64], target[64];
	const struct dirent *entry;
	bool uring = false;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)d->pid);
	dir = opendir(path);
	while (dir && !uring && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		uring = !strcmp(target, "anon_inode:[io_uring]");
	}
	if (uring)
		doctor_say(d, DOCTOR_WARN, "blind spots", "switch it off in the program's settings",
			   "it uses io_uring: what goes through that is not seen");
	if (dir)
		closedir(dir);
}
