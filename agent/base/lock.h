/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's only lock: a word that spins for a bounded time and then gives up. It guards one
 * object for a few hundred nanoseconds; no thread ever holds two (debug builds check it), so there
 * is no order to keep. It needs nothing at fork: the word names the process generation of its
 * holder, and a holder of another generation is a thread that does not exist in this process.
 *
 * Context: any thread, with the agent's guard held; no system calls.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct lock {
	_Atomic uint32_t holder; /* 0: free, else the holder's process generation */
};

enum lock_result {
	LOCK_TAKEN,
	LOCK_STALE, /* taken from a thread of the parent process: what it guards may be half changed
		     */
	LOCK_BUSY,  /* not taken: step aside */
};

/** Names this process to locks; never 0. Set at start and in the child of every fork. */
extern uint32_t lock_generation;

enum lock_result lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

#endif
