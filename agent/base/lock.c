/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded spin lock. See lock.h.
 */
#include "base/lock.h"

#include "base/atomic.h"
#include "base/sys.h"

uint32_t lock_generation = 1;

/*
 * How often a waiter looks before it gives up: some ten milliseconds of pauses, several time slices
 * of a preempted holder. sched_yield() is no choice: the program did not ask for it (hazard F1).
 */
#define LOCK_PATIENCE (1u << 20)

#ifdef AGENT_DEBUG
static AGENT_TLS uint32_t lock_held;

static void lock_check(int change)
{
	lock_held += (uint32_t)change;
	if (lock_held > 1)
		__builtin_trap();
}
#else
static void lock_check(int change)
{
	(void)change;
}
#endif

static NOINLINE enum lock_result lock_wait(struct lock *lock)
{
	uint32_t mine = lock_generation;

	for (uint32_t i = 0; i < LOCK_PATIENCE; i++) {
		uint32_t holder = atomic_load_explicit(&lock->holder, memory_order_relaxed);

		if (holder == mine) {
			cpu_relax();
			continue;
		}
		/* acquire pairs with the release in lock_drop() */
		if (!atomic_compare_exchange_weak_explicit(&lock->holder, &holder, mine,
							   memory_order_acquire,
							   memory_order_relaxed))
			continue;
		lock_check(1);
		return holder ? LOCK_STALE : LOCK_TAKEN;
	}
	return LOCK_BUSY;
}

enum lock_result lock_take(struct lock *lock)
{
	uint32_t none = 0;

	/* acquire pairs with the release in lock_drop() */
	if (unlikely(!swap_if_u32(&lock->holder, &none, lock_generation)))
		return lock_wait(lock);
	lock_check(1);
	return LOCK_TAKEN;
}

void lock_drop(struct lock *lock)
{
	lock_check(-1);
	atomic_store_explicit(&lock->holder, 0, memory_order_release);
}
