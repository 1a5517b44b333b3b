/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that end or get a second number. carry/ must forget a number before somebody else can
 * get it, and must know that two numbers are one stream (hazard E2). Never answers for the kernel.
 */
#include "hooks/fd.h"

#include <limits.h>
#include <linux/close_range.h>
#include <sys/resource.h>

#include "base/sys.h"

#define NUMBERS_MAX (1 << 20) /* the kernel's own limit unless an administrator raised it */

static NOINLINE void closing(int fd)
{
	WITH_AGENT (scope) {
		carry_closing(fd);
		return;
	}
	/* in the middle of the agent: what the number stands for from now on is not to be believed
	 */
	carry_missed(carry_watch(fd));
}

void fd_closing(int fd)
{
	if (carry_known(fd))
		closing(fd);
}

void fd_closing_range(unsigned int first, unsigned int last, unsigned int flags)
{
	if (first > last || (flags & ~CLOSE_RANGE_UNSHARE))
		return; /* refused, or CLOSE_RANGE_CLOEXEC: nothing is closed now */
	WITH_AGENT (scope)
		carry_closing_range(first, last);
}

void fd_duplicated(int fd, int fresh)
{
	if (fresh >= 0 && carry_known(fd))
		WITH_AGENT (scope)
			carry_duplicated(fd, fresh);
}

void fd_replaced(int fd, int fresh, int result)
{
	if (result < 0 || fd == fresh || !(carry_known(fd) || carry_known(fresh)))
		return;
	WITH_AGENT (scope) {
		carry_closing(fresh);
		carry_duplicated(fd, fresh);
	}
}

INTERPOSE(int, close, (int fd))
{
	if (unlikely(carry_known(fd)))
		closing(fd);
	return real.close(fd);
}

INTERPOSE(int, __close, (int fd))
{
	if (unlikely(carry_known(fd)))
		closing(fd);
	return real.__close(fd);
}

/* libc closes the descriptor below itself, where no hook sees it. */
INTERPOSE(int, fclose, (FILE * stream))
{
	if (carry_state == CARRY_ON && stream) {
		int saved = errno;

		fd_closing(fileno(stream));
		errno = saved;
	}
	return real.fclose(stream);
}

INTERPOSE(int, close_range, (unsigned int first, unsigned int last, int flags))
{
	fd_closing_range(first, last, (unsigned int)flags);
	return real.close_range(first, last, flags);
}

INTERPOSE(void, closefrom, (int first))
{
	fd_closing_range(first < 0 ? 0 : (unsigned int)first, UINT_MAX, 0);
	real.closefrom(first);
}

/* For a libc without closefrom (before 2.34), which a program may find here by dlsym() only. */
void substitute_closefrom(int first)
{
	unsigned int from = first < 0 ? 0 : (unsigned int)first;
	int saved = errno;
	struct rlimit limit;
	unsigned int end = NUMBERS_MAX;

	if (sys_call(SYS_close_range, (long)from, (long)UINT_MAX, 0, 0, 0, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < end)
		end = (unsigned int)limit.rlim_cur;
	for (unsigned int fd = from; fd < end; fd++)
		real.close((int)fd);
	errno = saved;
}

INTERPOSE(int, dup, (int fd))
{
	int fresh = real.dup(fd);

	fd_duplicated(fd, fresh);
	return fresh;
}

INTERPOSE(int, dup2, (int fd, int fresh))
{
	int result = real.dup2(fd, fresh);

	fd_replaced(fd, fresh, result);
	return result;
}

INTERPOSE(int, __dup2, (int fd, int fresh))
{
	int result = real.__dup2(fd, fresh);

	fd_replaced(fd, fresh, result);
	return result;
}

INTERPOSE(int, dup3, (int fd, int fresh, int flags))
{
	int result = real.dup3(fd, fresh, flags);

	fd_replaced(fd, fresh, result);
	return result;
}

static ALWAYS_INLINE bool duplicates(int command)
{
	return command == F_DUPFD || command == F_DUPFD_CLOEXEC;
}

INTERPOSE(int, fcntl, (int fd, int command, long arg))
{
	int result;

	if (likely(!duplicates(command)))
		return real.fcntl(fd, command, arg);
	result = real.fcntl(fd, command, arg);
	fd_duplicated(fd, result);
	return result;
}

INTERPOSE(int, __fcntl, (int fd, int command, long arg))
{
	int result;

	if (likely(!duplicates(command)))
		return real.__fcntl(fd, command, arg);
	result = real.__fcntl(fd, command, arg);
	fd_duplicated(fd, result);
	return result;
}

INTERPOSE(int, fcntl64, (int fd, int command, long arg))
{
	int result;

	if (likely(!duplicates(command)))
		return real.fcntl64(fd, command, arg);
	result = real.fcntl64(fd, command, arg);
	fd_duplicated(fd, result);
	return result;
}
