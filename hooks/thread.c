/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: what the creator works for is given to the new thread, which starts in a trampoline of
 * ours and calls the program's function from there. The start arguments go over in a slot of a
 * fixed pool, because nothing may be allocated here; when every slot is under way, the thread is
 * started directly and inherits nothing. Attributes, results, cancellation and pthread_exit() are
 * the program's own.
 */
#include "hooks/hook.h"

#include <stdatomic.h>

#define SLOTS 256 /* threads created and not yet running, at one time */

struct thread_start {
	union {
		thread_routine *pthread;
		thrd_start_t c11;
	} routine;
	void *arg;
	struct carry_snapshot snapshot;
};

struct thread_slot {
	_Atomic uint32_t taken;
	struct thread_start start;
};

static struct thread_slot slots[SLOTS];
static _Atomic uint32_t next_slot;

static struct thread_slot *slot_take(void)
{
	uint32_t first = atomic_fetch_add_explicit(&next_slot, 1, memory_order_relaxed);

	for (uint32_t i = 0; i < SLOTS; i++) {
		struct thread_slot *slot = &slots[(first + i) % SLOTS];
		uint32_t free = 0;

		/* acquire: pairs with the release of the thread that emptied it */
		if (atomic_compare_exchange_strong_explicit(
			    &slot->taken, &free, 1, memory_order_acquire, memory_order_relaxed))
			return slot;
	}
	return NULL;
}

static void slot_release(struct thread_slot *slot)
{
	atomic_store_explicit(&slot->taken, 0, memory_order_release);
}

/* ---- in the new thread ---- */

static NOINLINE struct thread_start thread_begin(struct thread_slot *slot)
{
	struct thread_start start = slot->start;

	slot_release(slot);
	WITH_AGENT (scope)
		carry_thread_adopt(&start.snapshot);
	return start;
}

static NOINLINE void thread_end(void)
{
	WITH_AGENT (scope)
		carry_thread_exit();
}

/*
 * The personality routine of the trampolines' frames. pthread_exit() and cancellation unwind the
 * stack and ask every frame to clean up; ours does it right here and needs no landing pad, and so
 * no libgcc. The values are those of the unwinder's interface: cleanup phase, continue.
 */
int thread_personality(int version, int actions, uint64_t kind, void *exception,
		       void *context) INTERNAL;
__attribute__((used)) int thread_personality(int version, int actions, uint64_t kind,
					     void *exception, void *context)
{
	enum { CLEANUP_PHASE = 2, CONTINUE_UNWIND = 8 };

	(void)version, (void)kind, (void)exception, (void)context;
	if (actions & CLEANUP_PHASE)
		thread_end();
	return CONTINUE_UNWIND;
}

/* 0x1b: a pointer relative to its own place, 4 bytes. No language data: there is nothing to look
 * up. */
#define CLEANED_UP_BY(function) __asm__ volatile(".cfi_personality 0x1b, " #function)

static NOINLINE void *trampoline_pthread(void *arg)
{
	struct thread_start start = thread_begin(arg);
	void *result;

	CLEANED_UP_BY(thread_personality);
	result = start.routine.pthread(start.arg);
	thread_end();
	return result;
}

static NOINLINE int trampoline_c11(void *arg)
{
	struct thread_start start = thread_begin(arg);
	int result;

	CLEANED_UP_BY(thread_personality);
	result = start.routine.c11(start.arg);
	thread_end();
	return result;
}

/* ---- in the creator ---- */

/* The slot with what the new thread inherits, or NULL: start it as if we were not here. */
static struct thread_slot *thread_prepare(uintptr_t routine, void *arg)
{
	struct thread_slot *slot = slot_take();

	if (!slot)
		return NULL;
	slot->start.arg = arg;
	slot->start.snapshot = (struct carry_snapshot){.routine = routine};
	WITH_AGENT (scope)
		carry_thread_snapshot(&slot->start.snapshot, routine);
	return slot;
}

/* The thread does not exist: its slot is still ours. */
static void thread_failed(struct thread_slot *slot)
{
	struct carry_snapshot snapshot = slot->start.snapshot;

	slot_release(slot);
	WITH_AGENT (scope)
		carry_thread_dropped(&snapshot);
}

static NOINLINE int pthread_create_carried(pthread_t *thread, const pthread_attr_t *attr,
					   thread_routine *routine, void *arg)
{
	struct thread_slot *slot = thread_prepare((uintptr_t)routine, arg);
	int result;

	if (!slot)
		return real.pthread_create(thread, attr, routine, arg);
	slot->start.routine.pthread = routine;
	result = real.pthread_create(thread, attr, trampoline_pthread, slot);
	if (result)
		thread_failed(slot);
	return result;
}

INTERPOSE(int, pthread_create,
	  (pthread_t * thread, const pthread_attr_t *attr, thread_routine *routine, void *arg))
{
	if (carry_state != CARRY_ON)
		return real.pthread_create(thread, attr, routine, arg);
	return pthread_create_carried(thread, attr, routine, arg);
}

static NOINLINE int thrd_create_carried(thrd_t *thread, thrd_start_t routine, void *arg)
{
	struct thread_slot *slot = thread_prepare((uintptr_t)routine, arg);
	int result;

	if (!slot)
		return real.thrd_create(thread, routine, arg);
	slot->start.routine.c11 = routine;
	result = real.thrd_create(thread, trampoline_c11, slot);
	if (result != thrd_success)
		thread_failed(slot);
	return result;
}

INTERPOSE(int, thrd_create, (thrd_t * thread, thrd_start_t routine, void *arg))
{
	if (carry_state != CARRY_ON)
		return real.thrd_create(thread, routine, arg);
	return thrd_create_carried(thread, routine, arg);
}

/*
 * What is made once is made for nobody in particular: threads started meanwhile inherit nothing
 * (R4). An exception or a longjmp out of the routine leaves the mark, and then this thread gives
 * nothing on.
 */
INTERPOSE(int, pthread_once, (pthread_once_t * control, once_routine *routine))
{
	int result;

	carry_self.once++;
	result = real.pthread_once(control, routine);
	carry_self.once--;
	return result;
}

INTERPOSE(int, __pthread_once, (pthread_once_t * control, once_routine *routine))
{
	int result;

	carry_self.once++;
	result = real.__pthread_once(control, routine);
	carry_self.once--;
	return result;
}

INTERPOSE(void, call_once, (once_flag * flag, once_routine *routine))
{
	carry_self.once++;
	real.call_once(flag, routine);
	carry_self.once--;
}
