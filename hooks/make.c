/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New descriptors that are no network sockets: carry/ remembers under which request they were made.
 * Nothing else is done to them.
 */
#include "hooks/hook.h"

static ALWAYS_INLINE int made(int fd)
{
	if (fd >= 0)
		WITH_AGENT (scope)
			carry_made(fd);
	return fd;
}

static ALWAYS_INLINE int made_both(int result, const int fds[2])
{
	if (result == 0)
		WITH_AGENT (scope) {
			carry_made(fds[0]);
			carry_made(fds[1]);
		}
	return result;
}

INTERPOSE(int, pipe, (int fds[2]))
{
	return made_both(real.pipe(fds), fds);
}

INTERPOSE(int, __pipe, (int fds[2]))
{
	return made_both(real.__pipe(fds), fds);
}

INTERPOSE(int, pipe2, (int fds[2], int flags))
{
	return made_both(real.pipe2(fds, flags), fds);
}

INTERPOSE(int, epoll_create, (int size))
{
	return made(real.epoll_create(size));
}

INTERPOSE(int, epoll_create1, (int flags))
{
	return made(real.epoll_create1(flags));
}

INTERPOSE(int, eventfd, (unsigned int count, int flags))
{
	return made(real.eventfd(count, flags));
}

INTERPOSE(int, timerfd_create, (clockid_t clock, int flags))
{
	return made(real.timerfd_create(clock, flags));
}

/* With a descriptor it only changes that one's signals. */
INTERPOSE(int, signalfd, (int fd, const sigset_t *mask, int flags))
{
	int result = real.signalfd(fd, mask, flags);

	return fd == -1 ? made(result) : result;
}

INTERPOSE(int, inotify_init, (void))
{
	return made(real.inotify_init());
}

INTERPOSE(int, inotify_init1, (int flags))
{
	return made(real.inotify_init1(flags));
}
