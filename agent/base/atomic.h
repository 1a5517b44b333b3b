/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read-modify-write on shared words, at the price of ordinary code while the process has one
 * thread. A locked instruction costs some 20 cycles and a request takes about twenty of them, so
 * this is worth a branch. libc knows whether there is one thread (__libc_single_threaded,
 * glibc 2.32); where it does not say, every operation is atomic. A handler cannot come in between:
 * the guard keeps it out.
 *
 * Orders: a successful operation is acquire and release, a failed compare is relaxed.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/** Points to libc's own "one thread" flag, or to a constant false. Set at start, by
 * base_threads_tell(). */
extern const char *base_single_threaded;

/** @flag is the address of __libc_single_threaded, or NULL when this libc has none. */
void base_threads_tell(const char *flag);

static ALWAYS_INLINE bool base_alone(void)
{
	return *base_single_threaded;
}

/** Stores @to if *p is *expected; otherwise *expected becomes what it is. May fail without cause:
 * loop. */
static ALWAYS_INLINE bool swap_if_u64(_Atomic uint64_t *p, uint64_t *expected, uint64_t to)
{
	if (base_alone()) {
		uint64_t seen = atomic_load_explicit(p, memory_order_relaxed);

		if (unlikely(seen != *expected)) {
			*expected = seen;
			return false;
		}
		atomic_store_explicit(p, to, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_weak_explicit(p, expected, to, memory_order_acq_rel,
						     memory_order_relaxed);
}

/** The same for 32 bits, without failures that have no cause. */
static ALWAYS_INLINE bool swap_if_u32(_Atomic uint32_t *p, uint32_t *expected, uint32_t to)
{
	if (base_alone()) {
		uint32_t seen = atomic_load_explicit(p, memory_order_relaxed);

		if (unlikely(seen != *expected)) {
			*expected = seen;
			return false;
		}
		atomic_store_explicit(p, to, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_strong_explicit(p, expected, to, memory_order_acq_rel,
						       memory_order_relaxed);
}

/** Stores @to and returns what was there. */
static ALWAYS_INLINE uint64_t swap_u64(_Atomic uint64_t *p, uint64_t to)
{
	uint64_t seen;

	if (!base_alone())
		return atomic_exchange_explicit(p, to, memory_order_acq_rel);
	seen = atomic_load_explicit(p, memory_order_relaxed);
	atomic_store_explicit(p, to, memory_order_relaxed);
	return seen;
}

static ALWAYS_INLINE uint32_t swap_u32(_Atomic uint32_t *p, uint32_t to)
{
	uint32_t seen;

	if (!base_alone())
		return atomic_exchange_explicit(p, to, memory_order_acq_rel);
	seen = atomic_load_explicit(p, memory_order_relaxed);
	atomic_store_explicit(p, to, memory_order_relaxed);
	return seen;
}

/** Adds @n and returns what was there before. */
static ALWAYS_INLINE uint64_t add_u64(_Atomic uint64_t *p, uint64_t n)
{
	uint64_t seen;

	if (!base_alone())
		return atomic_fetch_add_explicit(p, n, memory_order_acq_rel);
	seen = atomic_load_explicit(p, memory_order_relaxed);
	atomic_store_explicit(p, seen + n, memory_order_relaxed);
	return seen;
}

static ALWAYS_INLINE uint32_t add_u32(_Atomic uint32_t *p, uint32_t n)
{
	uint32_t seen;

	if (!base_alone())
		return atomic_fetch_add_explicit(p, n, memory_order_acq_rel);
	seen = atomic_load_explicit(p, memory_order_relaxed);
	atomic_store_explicit(p, seen + n, memory_order_relaxed);
	return seen;
}

#endif
