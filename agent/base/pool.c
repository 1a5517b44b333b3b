/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of counted objects. See pool.h.
 */
#include "base/pool.h"

#include "base/atomic.h"
#include "base/sys.h"

static _Atomic bool pool_sealed;

void pool_seal(void)
{
	atomic_store(&pool_sealed, true);
}

static void *pool_at(struct pool *pool, uint32_t index)
{
	char *chunk;

	if (index / pool->per_chunk >= POOL_CHUNKS)
		return NULL;
	/* acquire pairs with the release in pool_grow() */
	chunk = atomic_load_explicit(&pool->chunk[index / pool->per_chunk], memory_order_acquire);
	if (unlikely(!chunk))
		return NULL;
	return chunk + (size_t)(index % pool->per_chunk) * pool->size;
}

/* Maps the chunk that @index lies in; a thread that was quicker is fine too. */
static COLD bool pool_grow(struct pool *pool, uint32_t index)
{
	void *_Atomic *slot = &pool->chunk[index / pool->per_chunk];
	size_t len = (size_t)pool->size * pool->per_chunk;
	void *none = NULL, *fresh;

	if (atomic_load(&pool_sealed))
		return false;
	fresh = sys_map(len, -1, 0);
	if (!fresh)
		return false;
	if (!atomic_compare_exchange_strong_explicit(slot, &none, fresh, memory_order_release,
						     memory_order_acquire))
		sys_unmap(fresh, len);
	return true;
}

static struct pool_object *pool_fresh(struct pool *pool)
{
	uint32_t index = atomic_load_explicit(&pool->fresh, memory_order_relaxed);
	struct pool_object *object;

	do {
		if (index >= pool->per_chunk * POOL_CHUNKS)
			return NULL;
		if (unlikely(!pool_at(pool, index)) && !pool_grow(pool, index))
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(
		&pool->fresh, &index, index + 1, memory_order_relaxed, memory_order_relaxed));
	object = pool_at(pool, index);
	object->index = index;
	atomic_store_explicit(&object->life, 1ull << 32, memory_order_relaxed);
	return object;
}

static struct pool_object *pool_pop(struct pool *pool)
{
	/* acquire pairs with the release in pool_push(): `next` is what the pusher wrote */
	uint64_t head = atomic_load_explicit(&pool->free, memory_order_acquire);
	struct pool_object *object;
	uint64_t next;

	do {
		if (!(uint32_t)head)
			return NULL;
		object = pool_at(pool, (uint32_t)head - 1);
		if (unlikely(!object))
			return NULL;
		next = atomic_load_explicit(&object->next, memory_order_relaxed);
		next |= ((head >> 32) + 1) << 32;
	} while (!swap_if_u64(&pool->free, &head, next));
	return object;
}

static void pool_push(struct pool *pool, struct pool_object *object)
{
	uint64_t head = atomic_load_explicit(&pool->free, memory_order_relaxed), fresh;

	do {
		atomic_store_explicit(&object->next, (uint32_t)head, memory_order_relaxed);
		fresh = ((head >> 32) + 1) << 32 | (object->index + 1);
	} while (!swap_if_u64(&pool->free, &head, fresh));
}

void *pool_take(struct pool *pool)
{
	struct pool_object *object = pool_pop(pool);

	if (!object)
		object = pool_fresh(pool);
	if (unlikely(!object))
		return NULL;
	/* the object is ours alone: its generation stands, it has no references */
	add_u64(&object->life, 1);
	return object;
}

void *pool_hold(struct pool *pool, uint64_t handle)
{
	struct pool_object *object;
	uint64_t life;

	if (!handle)
		return NULL;
	object = pool_at(pool, (uint32_t)handle);
	if (unlikely(!object))
		return NULL;
	life = atomic_load_explicit(&object->life, memory_order_relaxed);
	do {
		if (life >> 32 != handle >> 32 || !(uint32_t)life)
			return NULL;
		/* acquire: whoever made the object live published its contents before */
	} while (!swap_if_u64(&object->life, &life, life + 1));
	return object;
}

void *pool_peek(struct pool *pool, uint64_t handle)
{
	return handle ? pool_at(pool, (uint32_t)handle) : NULL;
}

bool pool_names(const void *object, uint64_t handle)
{
	const struct pool_object *o = object;
	uint64_t life = atomic_load_explicit(&o->life, memory_order_acquire);

	return life >> 32 == handle >> 32 && (uint32_t)life;
}

void pool_share(void *object)
{
	struct pool_object *o = object;

	add_u64(&o->life, 1);
}

bool pool_drop(struct pool *pool, void *object)
{
	struct pool_object *o = object;
	uint64_t life = atomic_load_explicit(&o->life, memory_order_relaxed);

	for (;;) {
		bool last = (uint32_t)life == 1;
		/* the generation moves on together with the last reference: old handles end at once
		 */
		uint64_t fresh = last ? ((life >> 32) + 1) << 32 : life - 1;

		if (last && !(uint32_t)(fresh >> 32))
			fresh = 1ull << 32;
		/* release: our writes come before anyone's reuse; acquire: we see all others' */
		if (!swap_if_u64(&o->life, &life, fresh))
			continue;
		if (last && pool->retire)
			pool->retire(o);
		if (last)
			pool_push(pool, o);
		return last;
	}
}

bool pool_alive(struct pool *pool, uint64_t handle)
{
	struct pool_object *object;

	if (!handle)
		return false;
	object = pool_at(pool, (uint32_t)handle);
	return object && pool_names(object, handle);
}

uint64_t pool_handle(const void *object)
{
	const struct pool_object *o = object;

	/* generations start at 1: a handle is never below 2^32 */
	return (atomic_load_explicit(&o->life, memory_order_relaxed) >> 32) << 32 | o->index;
}
