/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters: in static memory until there is a ring file, in its header from then on. Called
 * by everybody who gives something up. Must never lose a count on the way from one place to the
 * other.
 */
#include "base/atomic.h"
#include "base/compiler.h"
#include "record/counter.h"
#include "record/ring_file.h"

_Static_assert(COUNTER_COUNT <= RING_COUNTERS_MAX, "the header has room for all counters");

static _Atomic uint64_t early[COUNTER_COUNT];
static _Atomic uint64_t *_Atomic counters = early;

/*
 * Either this finds what was added to early[], or the one who added finds that the counters have
 * moved, and moves the rest itself: the fences in ring_count() and ring_counters_use() see to that.
 */
static void counters_move(unsigned int counter)
{
	_Atomic uint64_t *to = atomic_load_explicit(&counters, memory_order_acquire);
	uint64_t n = atomic_exchange(&early[counter], 0);

	if (n)
		atomic_fetch_add(&to[counter], n);
}

void ring_count(unsigned int counter, uint64_t n)
{
	_Atomic uint64_t *at = atomic_load_explicit(&counters, memory_order_acquire);

	if (unlikely(counter >= COUNTER_COUNT))
		return;
	add_u64(&at[counter], n);
	if (likely(at != early))
		return;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&counters, memory_order_relaxed) != early)
		counters_move(counter);
}

uint64_t ring_counted(unsigned int counter)
{
	_Atomic uint64_t *at = atomic_load_explicit(&counters, memory_order_acquire);

	return counter < COUNTER_COUNT ? atomic_load_explicit(&at[counter], memory_order_relaxed)
				       : 0;
}

void ring_counters_use(_Atomic uint64_t *in_file)
{
	atomic_store_explicit(&counters, in_file, memory_order_release);
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < COUNTER_COUNT; i++)
		counters_move(i);
}

void ring_counters_reset(void)
{
	atomic_store_explicit(&counters, early, memory_order_release);
	for (unsigned int i = 0; i < COUNTER_COUNT; i++)
		atomic_store_explicit(&early[i], 0, memory_order_relaxed);
}
