/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of one size, counted and named by handles. A handle is 64 bits: the object's index and
 * the generation it had; once the object's last reference is gone the generation moves on and every
 * old handle reads as nothing. That is how a context can never outlive the request it belongs to.
 *
 * Lock-free (a stack with a tag against ABA), grows by mapping chunks, never gives memory back. In
 * a fork's child everything stays valid; what another thread was doing at that moment leaks one
 * object.
 *
 * Context: any thread, signal-safe; maps memory when it grows, unless sealed.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_CHUNKS 64

/** Begins every object of a pool. */
struct pool_object {
	_Atomic uint64_t life; /* generation << 32 | references */
	_Atomic uint32_t next; /* in the free stack: index + 1 of the next one */
	uint32_t index;
};

struct pool {
	uint32_t size; /* bytes of an object, its struct pool_object included */
	uint32_t per_chunk;
	void (*retire)(
		void *object);  /* called when the last reference is gone, before reuse; or NULL */
	_Atomic uint64_t free;  /* tag << 32 | index + 1 */
	_Atomic uint32_t fresh; /* indices below were given out at least once */
	void *_Atomic chunk[POOL_CHUNKS];
};

#define POOL_OF(type, count_per_chunk, on_retire)                                           \
	{                                                                                   \
		.size = sizeof(type), .per_chunk = (count_per_chunk), .retire = (on_retire) \
	}

/** No memory is mapped from now on. */
void pool_seal(void);

/**
 * An object with one reference, or NULL (no memory, or the pool's bound is reached). Its bytes
 * behind struct pool_object are whatever the last user left, zero at first.
 */
void *pool_take(struct pool *pool);

/** One more reference for the object that @handle names, or NULL when it is gone (or @handle is 0).
 */
void *pool_hold(struct pool *pool, uint64_t handle);

/**
 * Where the object that @handle names lies, alive or not, without a reference: for callers that
 * look at pool_names() under a lock in the object, which also guards its last pool_drop(). NULL:
 * never used.
 */
void *pool_peek(struct pool *pool, uint64_t handle);
/** True while @object is alive and the one that @handle names. */
bool pool_names(const void *object, uint64_t handle);

/** One more reference for an object that the caller already holds one of. */
void pool_share(void *object);

/** Gives one reference back. True when it was the last: the object is free, do not touch it. */
bool pool_drop(struct pool *pool, void *object);

/** True while @handle names a live object. A hint: it may be gone a moment later. */
bool pool_alive(struct pool *pool, uint64_t handle);

/** The handle of an object that the caller holds. Never 0 or 1. */
uint64_t pool_handle(const void *object);

#endif
