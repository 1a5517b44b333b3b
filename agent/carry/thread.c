/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread carries: its current context, when that ends (switch points), and what a thread
 * that it starts inherits (R3, R4, R9). A current context is a handle: when its request is gone it
 * reads as nothing, whoever still holds it.
 */
#include "carry/private.h"

#include <string.h>

#include "base/sys.h"

AGENT_TLS struct carry_thread carry_self;

static struct pool blocks = POOL_OF(struct carry_block, 64, NULL);

/* A snapshot taken before the answer stays a parent this long after it (R2), then it is forgotten.
 */
#define SNAPSHOT_TTL_NS (60ull * 1000 * 1000 * 1000)

uint64_t thread_now(void)
{
	return carry_self.now_ns = clock_monotonic();
}

/* ---- start routines of pool workers ---- */

#define ROUTINES 64
static _Atomic uintptr_t pooled[ROUTINES];

static bool routine_is_pooled(uintptr_t routine)
{
	for (unsigned int i = 0; i < ROUTINES; i++) {
		uintptr_t seen = atomic_load_explicit(&pooled[i], memory_order_relaxed);

		if (seen == routine)
			return true;
		if (!seen)
			return false;
	}
	/* a full table: nothing is known, so nothing is inherited */
	return true;
}

static void routine_set_pooled(uintptr_t routine)
{
	for (unsigned int i = 0; i < ROUTINES; i++) {
		uintptr_t seen = 0;

		if (atomic_compare_exchange_strong(&pooled[i], &seen, routine)) {
			count(COUNTER_THREADS_POOLED);
			return;
		}
		if (seen == routine)
			return;
	}
}

/* ---- the block ---- */

struct carry_block *thread_block(void)
{
	struct carry_block *block = carry_self.block;

	if (likely(block && carry_self.generation == process.generation))
		return block;
	if (!block)
		block = pool_take(&blocks);
	if (!block)
		return NULL;
	memset(&block->writer, 0, sizeof(block->writer));
	block->claims = 1ull << 32;
	block->tid = process.sealed ? 0 : (uint32_t)sys_gettid();
	random_seed(&block->random, process.generation ^ (uint64_t)block->tid << 32,
		    !process.sealed);
	carry_self.block = block;
	carry_self.generation = process.generation;
	return block;
}

struct carry_block *thread_hold(uint64_t handle)
{
	return pool_hold(&blocks, handle);
}

void thread_drop(struct carry_block *block)
{
	pool_drop(&blocks, block);
}

/* ---- the current context ---- */

void thread_set(const struct request *r, enum record_tier tier, enum rule rule)
{
	carry_self.current = r ? pool_handle(r) : 0;
	carry_self.tier = r ? (uint8_t)tier : TIER_NONE;
	carry_self.rule = r ? (uint8_t)rule : RULE_NONE;
}

void thread_touch(const struct request *r, enum record_tier tier, enum rule rule)
{
	/* a wake that one event caused has one request in it, or it was more than one event after
	 * all */
	if (carry_self.lone && carry_self.current && (!r || carry_self.current != pool_handle(r)))
		carry_self.lone = false;
	carry_self.provisional = false;
	/* what was known from before the touch is known still: it was not the touch that told */
	if (r && carry_self.current == pool_handle(r) && rule == RULE_ANSWER)
		return;
	thread_set(r, tier, rule);
}

/* Answered: whoever reads it by a later touch gets nothing; a snapshot lives on for a while. */
static bool thread_outlived(const struct request *r)
{
	if (atomic_load_explicit(&r->state, memory_order_acquire) == RECORD_ACTIVE)
		return false;
	if (carry_self.rule != RULE_CREATED)
		return true;
	if (thread_now() - r->end_ns < SNAPSHOT_TTL_NS)
		return false;
	count(COUNTER_SNAPSHOTS_EXPIRED);
	return true;
}

struct request *thread_current(void)
{
	struct request *r;

	if (!carry_self.current)
		return NULL;
	r = pool_hold(&requests, carry_self.current);
	if (r && !thread_outlived(r))
		return r;
	if (r)
		request_drop(r);
	else
		count(COUNTER_STALE);
	thread_set(NULL, TIER_NONE, RULE_NONE);
	return NULL;
}

bool thread_sole(const struct request *r)
{
	struct carry_block *block = carry_self.block;
	bool read = carry_self.rule == RULE_REQUEST;
	uint64_t claims;
	bool mine;

	/* one event, nothing pending before it, and it was this request's */
	if (carry_self.lone && read)
		return true;
	if (carry_self.looping && thread_now() >= carry_self.timer_due_ns)
		return false;
	if (!block)
		return true;
	claims = block->claims;
	mine = r->claimant == pool_handle(block) && (!read || r->burst == CLAIMS_BURST(claims));
	return (read ? CLAIMS_FRESH(claims) : CLAIMS_ALL(claims)) == mine;
}

/* ---- switch points ---- */

static void thread_let_go(void)
{
	struct request *r =
		carry_self.inherited ? pool_hold(&requests, carry_self.inherited) : NULL;

	thread_set(NULL, TIER_NONE, RULE_NONE);
	carry_self.lone = false;
	carry_self.provisional = false;
	carry_self.inherited = 0;
	if (!r)
		return;
	request_drop(r); /* the reference just taken */
	request_drop(r); /* the one held since the thread began */
}

static void thread_new_burst(struct carry_block *block)
{
	uint64_t claims = block->claims, next;

	if (!CLAIMS_FRESH(claims))
		return;
	do
		next = ((uint64_t)CLAIMS_BURST(claims) + 1) << 32 | CLAIMS_ALL(claims);
	while (!swap_if_u64(&block->claims, &claims, next));
}

/* The thread has nothing left that it could do without a new cause. */
static void thread_blocked(void)
{
	struct carry_block *block = carry_self.block;

	if (!carry_self.waited && carry_self.routine)
		routine_set_pooled(carry_self.routine);
	carry_self.waited = true;
	if (block)
		thread_new_burst(block);
}

void carry_waiting(bool brief)
{
	/*
	 * Whoever waits for work is done with what it did (3.1), and what it inherited was not for
	 * it (R4). A wait that gives up after milliseconds is none for work: interpreters pass
	 * their global lock on like that, between any two instructions.
	 */
	if (brief)
		return;
	thread_let_go();
	/* an event loop that accepts, or waits inside a handler, has still put off what it put off
	 */
	if (!carry_self.looping)
		thread_blocked();
}

void carry_wait_begins(int timeout_ms)
{
	/* counted from when this thread last looked: before now, so the time is rather too early */
	if (!carry_self.now_ns)
		thread_now();
	if (timeout_ms < 0)
		carry_self.timer_due_ns = UINT64_MAX;
	else if (timeout_ms == 0)
		carry_self.timer_due_ns = 0;
	else
		carry_self.timer_due_ns = carry_self.now_ns + (uint64_t)timeout_ms * 1000000;
}

/* Is the thread, after this wait, still in the middle of what it did before? */
static bool wait_is_inside(int ready, int timeout_ms, enum carry_wait wait)
{
	if (wait == CARRY_WAIT_OWN && carry_self.current)
		return true;
	/* a look that finds nothing: no new cause came in */
	if (ready <= 0 && timeout_ms == 0 && (carry_self.lone || !carry_self.looping))
		return true;
	/* it has read a request itself, or was made for one, and waits for one connection to go on
	 * with it */
	return wait == CARRY_WAIT_CALL && !carry_self.looping &&
	       (carry_self.rule == RULE_REQUEST || carry_self.rule == RULE_CREATED);
}

void carry_woken(int ready, int timeout_ms, enum carry_wait wait)
{
	if (wait_is_inside(ready, timeout_ms, wait))
		return;
	/* an idle loop looks at every tick, a busy one with every request */
	if (ready <= 0)
		thread_now();
	thread_let_go();
	carry_self.looping = wait == CARRY_WAIT_MANY;
	if (timeout_ms != 0)
		thread_blocked();
	carry_self.lone = ready == 1 && timeout_ms < 0;
}

/* ---- inheritance (R4) ---- */

void carry_thread_snapshot(struct carry_snapshot *snapshot, uintptr_t routine)
{
	struct request *r = thread_current();

	*snapshot = (struct carry_snapshot){.routine = routine};
	if (!r)
		return;
	if (carry_self.once || routine_is_pooled(routine) || !thread_sole(r)) {
		request_drop(r);
		return;
	}
	/* the new thread takes the next step: this one no longer claims it */
	request_release(r);
	snapshot->record = pool_handle(r);
	snapshot->tier = carry_self.tier;
}

void carry_thread_adopt(const struct carry_snapshot *snapshot)
{
	carry_self.routine = snapshot->routine;
	if (!snapshot->record)
		return;
	carry_self.current = snapshot->record;
	carry_self.inherited = snapshot->record;
	carry_self.tier = snapshot->tier;
	carry_self.rule = RULE_CREATED;
	carry_self.provisional = true;
	count(COUNTER_THREADS_INHERITED);
}

void carry_thread_dropped(const struct carry_snapshot *snapshot)
{
	struct request *r = pool_hold(&requests, snapshot->record);

	if (!r)
		return;
	request_claim(r); /* its next step is this thread's again */
	request_drop(r);
	request_drop(r);
}

void carry_thread_exit(void)
{
	struct carry_block *block = carry_self.block;

	thread_let_go();
	carry_self.block = NULL;
	if (!block)
		return;
	ring_release(&block->writer);
	pool_drop(&blocks, block);
}
