/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hook to copy: one paragraph that says which functions of libc live in this file, what carry/ is
 * told about them, and what the hooks must never do. Its row stands in hooks.def:
 *
 *     HOOK(int, memfd_create, (const char *name, unsigned int flags), (name, flags), NULL)
 */
#include "hooks/hook.h"

#include <sys/mman.h>

INTERPOSE(int, memfd_create, (const char *name, unsigned int flags))
{
	int fd = real.memfd_create(name, flags);

	if (fd >= 0)
		WITH_AGENT (scope)
			carry_made(fd);
	return fd;
}
