/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start and fork: the one place that wires the rooms together. The loader calls the constructor;
 * hooks may have run before it, and they run on after the last destructor, so there is none
 * (hazards A1, A12). If the agent is disabled, or the program runs with more rights than its caller
 * (AT_SECURE), nothing is touched: every hook stays the program's own call.
 */
#include "hooks/hook.h"

#include <sys/auxv.h>

#include "config/config.h"

#define DIRECTORY_MAX 4096

extern char **environ;
extern char *program_invocation_short_name;

/*
 * What pthread_atfork() calls; that function moved between libraries in glibc 2.34, this one never.
 * musl has none: there a fork is noticed by the page that the kernel wipes.
 */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
			     void *object) __attribute__((weak));
extern void *__dso_handle INTERNAL;

static struct config config;
static char directory[DIRECTORY_MAX];

static __attribute__((constructor)) void preload_start(void)
{
	struct carry_options options = {.config = &config};
	int saved = errno;

	real_resolve();
	config_read(&config, environ, getauxval(AT_SECURE) != 0);
	if (config.disabled || config.secure)
		goto out;
	if (config_directory(&config, environ, directory, sizeof(directory)) > 0)
		options.directory = directory;
	options.executable = program_invocation_short_name;
	options.single_threaded = real_symbol("__libc_single_threaded");
	if (!__register_atfork ||
	    __register_atfork(NULL, carry_fork_parent, carry_fork_child, &__dso_handle) == 0)
		carry_start(&options);
out:
	errno = saved;
}
