/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the checks of `ctxagent doctor` share. Each check is a function that looks at one thing and
 * says what it found in one line each: OK, WARN (works, but) or FAIL (will not work), and for the
 * latter two what to do about it. Nothing of the program in question is executed.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cli/elf.h"
#include "config/config.h"

enum doctor_grade { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
	struct config config;
	const char *option_dir;		/* --dir, or NULL */
	char library[PATH_MAX];		/* "" when it was not found */
	struct elf_facts library_facts;	/* all-zero without library */
	char program[PATH_MAX]; /* the file that is really executed; "": none was asked about */
	char script[PATH_MAX];		/* the script that names it, or "" */
	struct elf_facts facts;		/* of program; all-zero when it is no ELF file */
	struct intern libraries;	/* paths of the libraries that program loads */
	struct intern missing;		/* those that the loader does not find */
	pid_t pid;			/* 0: none was asked about */
	unsigned int failed;
	bool hopeless; /* the preload cannot work: checks of its finer points are skipped */
};

/** Prints one finding. @advice: what to do, or NULL. */
void doctor_say(struct doctor *d, enum doctor_grade grade, const char *subject, const char *advice,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/**
 * Runs @argv without LD_PRELOAD but with @name=@value in its environment, for at most ten seconds;
 * its output, stderr included, goes to @out, NUL-terminated. Returns the wait status, or a negative
 * errno.
 */
int doctor_capture(char *const *argv, const char *name, const char *value, struct buffer *out);

/* doctor_system.c: this machine and this environment */
void doctor_check_library(struct doctor *d);
void doctor_check_self_test(struct doctor *d);
void doctor_check_environment(struct doctor *d);
void doctor_check_directory(struct doctor *d);
void doctor_check_limits(struct doctor *d);
void doctor_check_endpoint(struct doctor *d);

/* doctor_program.c: an executable file */
void doctor_check_kind(struct doctor *d);
void doctor_check_privileges(struct doctor *d);
void doctor_check_loader(struct doctor *d);
void doctor_check_libraries(struct doctor *d);
void doctor_check_sanitizer(struct doctor *d);
void doctor_check_hooks(struct doctor *d);
void doctor_check_blind_spots(struct doctor *d);

/* doctor_process.c: a running process */
void doctor_check_attached(struct doctor *d);
void doctor_check_confinement(struct doctor *d);
void doctor_check_root(struct doctor *d);
void doctor_check_descriptors(struct doctor *d);

#endif
