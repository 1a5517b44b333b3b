/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for descriptors: where a thread ends one piece of work and begins the next. Arguments go
 * to libc untouched; afterwards carry/ is told how many descriptors were ready, and whether all of
 * them were made for the request that the thread works for (hazard E4). When it works for none, and
 * did not a moment ago, there is nothing to tell.
 */
#include "hooks/hook.h"

#include <limits.h>

#define OWN_MAX    8    /* a set with more descriptors is not one request's */
#define SELECT_MAX 1024 /* fd_sets can be larger, but then they are not small */

static ALWAYS_INLINE bool passes(void)
{
	return carry_state != CARRY_ON || !carry_wakes();
}

static int timespec_ms(const struct timespec *t)
{
	if (!t || t->tv_sec < 0)
		return -1;
	if (t->tv_sec >= INT_MAX / 1000)
		return INT_MAX;
	return (int)(t->tv_sec * 1000 + (t->tv_nsec + 999999) / 1000000);
}

static int timeval_ms(const struct timeval *t)
{
	if (!t || t->tv_sec < 0)
		return -1;
	if (t->tv_sec >= INT_MAX / 1000)
		return INT_MAX;
	return (int)(t->tv_sec * 1000 + (t->tv_usec + 999) / 1000);
}

static NOINLINE void woken(int ready, int timeout_ms, enum carry_wait wait)
{
	WITH_AGENT (scope)
		carry_woken(ready, timeout_ms, wait);
}

/* The kernel has read the array by now: after a success it can be read. */
static enum carry_wait polls(const struct pollfd *fds, nfds_t count, int ready)
{
	enum carry_wait other = CARRY_WAIT_MANY;

	if (ready < 0 || count == 0 || count > OWN_MAX)
		return other;
	if (count == 1)
		other = carry_calls(fds[0].fd) ? CARRY_WAIT_CALL : CARRY_WAIT_ONE;
	for (nfds_t i = 0; i < count; i++)
		if (fds[i].fd >= 0 && !carry_own(fds[i].fd))
			return other;
	return CARRY_WAIT_OWN;
}

/* Sets change during the call, so this looks before it. */
static enum carry_wait selects(int count, const fd_set *in, const fd_set *out, const fd_set *except)
{
	const fd_set *sets[] = {in, out, except};
	int seen = 0, own = 0, calls = 0;

	if (count <= 0 || count > SELECT_MAX)
		return CARRY_WAIT_MANY;
	for (int fd = 0; fd < count && seen <= OWN_MAX; fd++) {
		bool set = false;

		for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
			set |= sets[i] && FD_ISSET(fd, sets[i]);
		seen += set;
		own += set && carry_own(fd);
		calls += set && carry_calls(fd);
	}
	if (seen && seen <= OWN_MAX && own == seen)
		return CARRY_WAIT_OWN;
	if (seen != 1)
		return CARRY_WAIT_MANY;
	return calls ? CARRY_WAIT_CALL : CARRY_WAIT_ONE;
}

static NOINLINE void registered(int fd)
{
	WITH_AGENT (scope)
		carry_registered(fd);
}

/* Registration gives no context (R9); it only says that reading @fd will be another event's touch.
 */
INTERPOSE(int, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *event))
{
	int result = real.epoll_ctl(epfd, op, fd, event);

	if (op == EPOLL_CTL_ADD && result == 0 && carry_state == CARRY_ON)
		registered(fd);
	return result;
}

static NOINLINE int epoll_wait_told(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	enum carry_wait wait = carry_own(epfd) ? CARRY_WAIT_OWN : CARRY_WAIT_MANY;
	int ready;

	carry_wait_begins(timeout_ms);
	ready = real.epoll_wait(epfd, events, max, timeout_ms);
	woken(ready, timeout_ms, wait);
	return ready;
}

INTERPOSE(int, epoll_wait, (int epfd, struct epoll_event *events, int max, int timeout_ms))
{
	if (passes())
		return real.epoll_wait(epfd, events, max, timeout_ms);
	return epoll_wait_told(epfd, events, max, timeout_ms);
}

static NOINLINE int epoll_pwait_told(int epfd, struct epoll_event *events, int max, int timeout_ms,
				     const sigset_t *mask)
{
	enum carry_wait wait = carry_own(epfd) ? CARRY_WAIT_OWN : CARRY_WAIT_MANY;
	int ready;

	carry_wait_begins(timeout_ms);
	ready = real.epoll_pwait(epfd, events, max, timeout_ms, mask);
	woken(ready, timeout_ms, wait);
	return ready;
}

INTERPOSE(int, epoll_pwait,
	  (int epfd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask))
{
	if (passes())
		return real.epoll_pwait(epfd, events, max, timeout_ms, mask);
	return epoll_pwait_told(epfd, events, max, timeout_ms, mask);
}

static NOINLINE int epoll_pwait2_told(int epfd, struct epoll_event *events, int max,
				      const struct timespec *timeout, const sigset_t *mask)
{
	enum carry_wait wait = carry_own(epfd) ? CARRY_WAIT_OWN : CARRY_WAIT_MANY;
	int ready;

	carry_wait_begins(timespec_ms(timeout));
	ready = real.epoll_pwait2(epfd, events, max, timeout, mask);
	woken(ready, ready < 0 ? -1 : timespec_ms(timeout), wait);
	return ready;
}

INTERPOSE(int, epoll_pwait2,
	  (int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
	   const sigset_t *mask))
{
	if (passes())
		return real.epoll_pwait2(epfd, events, max, timeout, mask);
	return epoll_pwait2_told(epfd, events, max, timeout, mask);
}

static NOINLINE int poll_told(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int ready;

	carry_wait_begins(timeout_ms);
	ready = real.poll(fds, count, timeout_ms);
	woken(ready, timeout_ms, polls(fds, count, ready));
	return ready;
}

INTERPOSE(int, poll, (struct pollfd * fds, nfds_t count, int timeout_ms))
{
	if (passes())
		return real.poll(fds, count, timeout_ms);
	return poll_told(fds, count, timeout_ms);
}

INTERPOSE(int, __poll, (struct pollfd * fds, nfds_t count, int timeout_ms))
{
	if (passes())
		return real.__poll(fds, count, timeout_ms);
	return poll_told(fds, count, timeout_ms);
}

static NOINLINE int poll_chk_told(struct pollfd *fds, nfds_t count, int timeout_ms, size_t room)
{
	int ready;

	carry_wait_begins(timeout_ms);
	ready = real.__poll_chk(fds, count, timeout_ms, room);
	woken(ready, timeout_ms, polls(fds, count, ready));
	return ready;
}

INTERPOSE(int, __poll_chk, (struct pollfd * fds, nfds_t count, int timeout_ms, size_t room))
{
	if (passes())
		return real.__poll_chk(fds, count, timeout_ms, room);
	return poll_chk_told(fds, count, timeout_ms, room);
}

static NOINLINE int ppoll_told(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
			       const sigset_t *mask)
{
	int ready;

	carry_wait_begins(timespec_ms(timeout));
	ready = real.ppoll(fds, count, timeout, mask);
	woken(ready, ready < 0 ? -1 : timespec_ms(timeout), polls(fds, count, ready));
	return ready;
}

INTERPOSE(int, ppoll,
	  (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask))
{
	if (passes())
		return real.ppoll(fds, count, timeout, mask);
	return ppoll_told(fds, count, timeout, mask);
}

static NOINLINE int ppoll_chk_told(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
				   const sigset_t *mask, size_t room)
{
	int ready;

	carry_wait_begins(timespec_ms(timeout));
	ready = real.__ppoll_chk(fds, count, timeout, mask, room);
	woken(ready, ready < 0 ? -1 : timespec_ms(timeout), polls(fds, count, ready));
	return ready;
}

INTERPOSE(int, __ppoll_chk,
	  (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
	   size_t room))
{
	if (passes())
		return real.__ppoll_chk(fds, count, timeout, mask, room);
	return ppoll_chk_told(fds, count, timeout, mask, room);
}

/* select() leaves in *timeout what is left of it: the argument is read before. */
static NOINLINE int select_told(int count, fd_set *in, fd_set *out, fd_set *except,
				struct timeval *timeout)
{
	enum carry_wait wait = selects(count, in, out, except);
	int timeout_ms = timeval_ms(timeout);
	int ready;

	carry_wait_begins(timeout_ms);
	ready = real.select(count, in, out, except, timeout);
	woken(ready, timeout_ms, wait);
	return ready;
}

INTERPOSE(int, select,
	  (int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout))
{
	if (passes())
		return real.select(count, in, out, except, timeout);
	return select_told(count, in, out, except, timeout);
}

INTERPOSE(int, __select,
	  (int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout))
{
	if (passes())
		return real.__select(count, in, out, except, timeout);
	return select_told(count, in, out, except, timeout);
}

static NOINLINE int pselect_told(int count, fd_set *in, fd_set *out, fd_set *except,
				 const struct timespec *timeout, const sigset_t *mask)
{
	enum carry_wait wait = selects(count, in, out, except);
	int ready;

	carry_wait_begins(timespec_ms(timeout));
	ready = real.pselect(count, in, out, except, timeout, mask);
	woken(ready, ready < 0 ? -1 : timespec_ms(timeout), wait);
	return ready;
}

INTERPOSE(int, pselect,
	  (int count, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
	   const sigset_t *mask))
{
	if (passes())
		return real.pselect(count, in, out, except, timeout, mask);
	return pselect_told(count, in, out, except, timeout, mask);
}
