/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for other threads: a thread that waits for work is done with what it worked for. carry/
 * is told before the wait; the wait itself is libc's alone: no mutex touched, no wake-up order, no
 * clock changed (hazard C5).
 */
#include "hooks/hook.h"

#include "base/clock.h"

#define NS            1000000000ull
#define BRIEF_NS      (CARRY_BRIEF_MS * 1000000ull)
#define YEAR_NS       (365ull * 86400 * NS)
#define CLOCK_UNKNOWN (-1) /* the condition variable knows it, we do not */

static ALWAYS_INLINE bool passes(void)
{
	return carry_state != CARRY_ON || !carry_holds();
}

static NOINLINE void waits(bool brief)
{
	WITH_AGENT (scope)
		carry_waiting(brief);
}

/* A deadline more than a year before now is none on the wall clock: it counts from the machine's
 * start. */
static bool is_brief(const struct timespec *until, clockid_t clock)
{
	uint64_t end, now;

	if (until->tv_sec < 0)
		return true;
	end = (uint64_t)until->tv_sec * NS + (uint64_t)until->tv_nsec;
	now = clock_realtime();
	if (clock == CLOCK_MONOTONIC || (clock == CLOCK_UNKNOWN && end + YEAR_NS < now))
		now = clock_monotonic();
	return end < now + BRIEF_NS;
}

static NOINLINE void waits_until(const struct timespec *until, clockid_t clock)
{
	waits(is_brief(until, clock));
}

INTERPOSE(int, pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t *mutex))
{
	if (!passes())
		waits(false);
	return real.pthread_cond_wait(cond, mutex);
}

INTERPOSE(int, pthread_cond_timedwait,
	  (pthread_cond_t * cond, pthread_mutex_t *mutex, const struct timespec *until))
{
	if (!passes())
		waits_until(until, CLOCK_UNKNOWN);
	return real.pthread_cond_timedwait(cond, mutex, until);
}

INTERPOSE(int, pthread_cond_clockwait,
	  (pthread_cond_t * cond, pthread_mutex_t *mutex, clockid_t clock,
	   const struct timespec *until))
{
	if (!passes())
		waits_until(until, clock);
	return real.pthread_cond_clockwait(cond, mutex, clock, until);
}

/*
 * A semaphore that is free is taken without a wait: as a lock, which is how interpreters use them.
 * The value may change before the real call; then a short wait goes unnoticed, or one is noticed
 * too many.
 */
static bool sem_blocks(sem_t *sem)
{
	int value = 0;

	return !passes() && real.sem_getvalue(sem, &value) == 0 && value <= 0;
}

/* A row of its own because the C library before 2.34 kept it elsewhere: only `real` finds it in
 * both. */
INTERPOSE(int, sem_getvalue, (sem_t * sem, int *value))
{
	return real.sem_getvalue(sem, value);
}

INTERPOSE(int, sem_wait, (sem_t * sem))
{
	if (sem_blocks(sem))
		waits(false);
	return real.sem_wait(sem);
}

INTERPOSE(int, sem_timedwait, (sem_t * sem, const struct timespec *until))
{
	if (sem_blocks(sem))
		waits_until(until, CLOCK_REALTIME);
	return real.sem_timedwait(sem, until);
}

INTERPOSE(int, sem_clockwait, (sem_t * sem, clockid_t clock, const struct timespec *until))
{
	if (sem_blocks(sem))
		waits_until(until, clock);
	return real.sem_clockwait(sem, clock, until);
}

INTERPOSE(int, cnd_wait, (cnd_t * cond, mtx_t *mutex))
{
	if (!passes())
		waits(false);
	return real.cnd_wait(cond, mutex);
}

INTERPOSE(int, cnd_timedwait, (cnd_t * cond, mtx_t *mutex, const struct timespec *until))
{
	if (!passes())
		waits_until(until, CLOCK_REALTIME);
	return real.cnd_timedwait(cond, mutex, until);
}

/*
 * Condition variables of another layout. Their bodies are jumps, exported under the name with the
 * older version (hazard A5); this is what the jumps ask.
 */
#define HOOK(ret, name, params, args, version)
#define HOOK_OLD(ret, name, params, args, version, missing, symbol) \
	void *target_##name(void) INTERNAL;                         \
	void *target_##name(void)                                   \
	{                                                           \
		if (!passes())                                      \
			waits(false);                               \
		return (void *)real.name;                           \
	}
#include "hooks/hooks.def"
#undef HOOK
