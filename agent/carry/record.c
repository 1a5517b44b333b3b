/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that came in: their identity (R1), their life cycle DRAFT -> ACTIVE -> ANSWERED (R2),
 * which thread may take their next step, and who they are when the program forwards their header.
 */
#include "carry/private.h"

#include <string.h>

static void request_retire(void *object);

struct pool requests = POOL_OF(struct request, 128, request_retire);
struct pool baggages = POOL_OF(struct baggage, 16, NULL);

/* ---- the index by trace id: which active request came in with this identity ---- */

#define INDEX_SIZE   16384u
#define INDEX_PROBES 16u
static _Atomic uint64_t request_index[INDEX_SIZE];

static uint32_t index_hash(const uint8_t *trace_id)
{
	uint64_t a, b;

	memcpy(&a, trace_id, 8);
	memcpy(&b, trace_id + 8, 8);
	return (uint32_t)(((a ^ b * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull) >> 40);
}

static void index_add(const struct request *r)
{
	uint32_t at = index_hash(r->context.span.trace_id);

	for (uint32_t i = 0; i < INDEX_PROBES; i++) {
		_Atomic uint64_t *slot = &request_index[(at + i) % INDEX_SIZE];
		uint64_t seen = atomic_load_explicit(slot, memory_order_relaxed);

		if (pool_alive(&requests, seen))
			continue;
		/* release pairs with the acquire in request_forwarded() */
		if (atomic_compare_exchange_strong_explicit(slot, &seen, pool_handle(r),
							    memory_order_release,
							    memory_order_relaxed))
			return;
	}
	count(COUNTER_TABLE_FULL);
}

static void index_remove(const struct request *r)
{
	uint32_t at = index_hash(r->context.span.trace_id);
	uint64_t handle = pool_handle(r);

	for (uint32_t i = 0; i < INDEX_PROBES; i++) {
		uint64_t seen = handle;

		if (atomic_compare_exchange_strong(&request_index[(at + i) % INDEX_SIZE], &seen, 0))
			return;
	}
}

static bool same_span(const struct span_context *a, const struct span_context *b)
{
	return !memcmp(a->trace_id, b->trace_id, CONTEXT_TRACE_ID_LEN) &&
	       !memcmp(a->span_id, b->span_id, CONTEXT_SPAN_ID_LEN);
}

/*
 * Two requests may come in with one identity (a client that repeats its header). Then the one this
 * stack works for is it, if it is one of them; otherwise the header alone does not say which.
 */
struct request *request_forwarded(const struct span_context *remote)
{
	uint32_t at = index_hash(remote->trace_id);
	struct request *found = NULL;
	bool several = false;

	for (uint32_t i = 0; i < INDEX_PROBES; i++) {
		uint64_t handle = atomic_load_explicit(&request_index[(at + i) % INDEX_SIZE],
						       memory_order_acquire);
		struct request *r = pool_hold(&requests, handle);

		if (!r)
			continue;
		if (r->state != RECORD_ACTIVE || !same_span(&r->remote, remote)) {
			request_drop(r);
			continue;
		}
		several |= found != NULL;
		if (found && handle == carry_self.current) {
			request_drop(found);
			found = r;
		} else if (found) {
			request_drop(r);
		} else {
			found = r;
		}
	}
	if (several && pool_handle(found) != carry_self.current) {
		request_drop(found);
		return NULL;
	}
	return found;
}

/* ---- life ---- */

static void request_retire(void *object)
{
	struct request *r = object;

	if (!r->context.baggage)
		return;
	pool_drop(&baggages,
		  (struct baggage *)(r->context.baggage - offsetof(struct baggage, text)));
	r->context.baggage = NULL;
}

void request_drop(struct request *r)
{
	pool_drop(&requests, r);
}

struct request *request_new(uint64_t now)
{
	struct request *r = pool_take(&requests);

	if (!r) {
		count(COUNTER_TABLE_FULL);
		return NULL;
	}
	memset((char *)r + sizeof(r->object), 0,
	       offsetof(struct request, context) - sizeof(r->object));
	context_clear(&r->context);
	head_clear(&r->head);
	r->start_ns = now;
	r->forks = process.forks;
	return r;
}

static void request_add_own_baggage(struct request *r)
{
	const struct context *pairs = &process.pairs_baggage;

	if (!pairs->baggage_len)
		return;
	if (!r->context.baggage) {
		struct baggage *room = pool_take(&baggages);

		if (!room)
			return;
		r->context.baggage = room->text;
		r->context.baggage_cap = sizeof(room->text);
	}
	if (baggage_append(&r->context, pairs->baggage, pairs->baggage_len))
		count(COUNTER_ATTRIBUTES_DROPPED);
}

/* ---- remote parents that are used up (R1) ---- */

/*
 * A client that repeats one header for ever would get one trace that never ends. Past these bounds
 * a request starts a trace of its own, linked to the parent it named.
 */
#define ADOPTED_MAX   1000u
#define ADOPTED_NS    (15ull * 60 * 1000 * 1000 * 1000)
#define ADOPTED_SLOTS 1024u

static struct adopted {
	_Atomic uint64_t key; /* of trace id and parent id; 0: none yet */
	_Atomic uint64_t first_ns;
	_Atomic uint32_t count;
} adopted[ADOPTED_SLOTS];

static bool adopted_too_often(const struct span_context *remote, uint64_t now)
{
	uint64_t span, key;
	struct adopted *slot;

	memcpy(&span, remote->span_id, sizeof(span));
	key = ((uint64_t)index_hash(remote->trace_id) << 40 ^ span * 0x9e3779b97f4a7c15ull) | 1;
	slot = &adopted[key >> 20 & (ADOPTED_SLOTS - 1)];
	if (atomic_load_explicit(&slot->key, memory_order_relaxed) != key) {
		/* two parents in one slot forget each other: the bound is then only looser */
		atomic_store_explicit(&slot->key, key, memory_order_relaxed);
		atomic_store_explicit(&slot->first_ns, now, memory_order_relaxed);
		atomic_store_explicit(&slot->count, 1, memory_order_relaxed);
		return false;
	}
	return atomic_fetch_add_explicit(&slot->count, 1, memory_order_relaxed) >= ADOPTED_MAX ||
	       now - atomic_load_explicit(&slot->first_ns, memory_order_relaxed) > ADOPTED_NS;
}

/* ---- the beginning ---- */

static void request_new_trace(struct request *r, int decision)
{
	struct span_context *span = &r->context.span;

	r->root = true;
	random_bytes(&thread_block()->random, span->trace_id, sizeof(span->trace_id));
	span->flags = CONTEXT_RANDOM;
	if (decision < 0 || !process.config.parent_based)
		r->sampled = process_sample_root(span->trace_id);
	else
		r->sampled = decision;
	count(COUNTER_REQUESTS_ROOT);
}

/* B3 may leave the decision to whoever receives it: then it is as for a root. */
static void request_adopt(struct request *r, int decision)
{
	const struct span_context *span = &r->context.span;

	if (adopted_too_often(span, r->start_ns)) {
		r->link = *span;
		r->context.tracestate_len = 0;
		count(COUNTER_REQUESTS_UNADOPTED);
		request_new_trace(r, decision);
		return;
	}
	r->remote = *span;
	r->sampled = decision < 0 ? process_sample_root(span->trace_id)
				  : process_sample_child(span->trace_id, span->flags);
}

void request_begin(struct request *r, struct carrier *carrier)
{
	struct carry_block *block = thread_block();
	struct span_context *span = &r->context.span;
	int decision = -1;

	if (carrier_finish(carrier, &decision) == CARRIER_PARENT)
		request_adopt(r, decision);
	else
		request_new_trace(r, decision);
	if (carrier->refusal < 0)
		ring_count(COUNTER_REFUSED_FIRST + (unsigned int)context_refused(carrier->refusal),
			   1);
	random_bytes(&block->random, span->span_id, sizeof(span->span_id));
	span->flags =
		(uint8_t)((span->flags & ~CONTEXT_SAMPLED) | (r->sampled ? CONTEXT_SAMPLED : 0));
	request_add_own_baggage(r);
	carry_serving = true;
	count(COUNTER_REQUESTS);
	atomic_store_explicit(&r->state, RECORD_ACTIVE, memory_order_release);
	/* nobody else knows it yet */
	atomic_store_explicit(&r->claimant, pool_handle(block), memory_order_relaxed);
	r->burst = CLAIMS_BURST(add_u64(&block->claims, CLAIM_FRESH + CLAIM));
	if (!r->root)
		index_add(r);
}

void request_leave(struct request *r)
{
	request_release(r);
	if (!r->root)
		index_remove(r);
	atomic_store_explicit(&r->state, RECORD_ANSWERED, memory_order_release);
	count(COUNTER_SPANS_SHARED);
	request_drop(r);
}

void request_end(struct request *r, const struct connection *c, const char *why)
{
	r->end_ns = thread_now();
	request_release(r);
	if (!r->root)
		index_remove(r);
	atomic_store_explicit(&r->state, RECORD_ANSWERED, memory_order_release);
	/* alive across a fork and never answered here: the other process may be answering it */
	if (why && !r->head.status && r->forks != process.forks)
		count(COUNTER_SPANS_SHARED);
	else
		emit_request(r, c, why);
	if (carry_self.current == pool_handle(r))
		thread_set(NULL, TIER_NONE, RULE_NONE);
	request_drop(r);
}

/* ---- claims ---- */

void request_claim(struct request *r)
{
	struct carry_block *block = thread_block();
	uint64_t none = 0;

	if (!block || r->claimant || r->state != RECORD_ACTIVE || r->in_flight)
		return;
	while (!swap_if_u64(&r->claimant, &none, pool_handle(block)))
		if (none)
			return;
	r->burst = CLAIMS_BURST(add_u64(&block->claims, CLAIM_FRESH + CLAIM));
}

/* Takes @less off the block's claims, and one off its burst's if the claim is of that burst. */
static void claim_end(struct carry_block *block, struct request *r, uint64_t less)
{
	uint32_t burst = swap_u32(&r->burst, 0);
	uint64_t claims = block->claims, left;

	do {
		left = claims - less;
		if (burst && CLAIMS_BURST(claims) == burst)
			left -= CLAIM_FRESH;
	} while (left != claims && !swap_if_u64(&block->claims, &claims, left));
}

void request_explain(struct request *r)
{
	struct carry_block *block = thread_hold(r->claimant);

	if (!block)
		return;
	claim_end(block, r, 0);
	thread_drop(block);
}

void request_release(struct request *r)
{
	uint64_t handle = r->claimant ? swap_u64(&r->claimant, 0) : 0;
	struct carry_block *own = carry_self.block, *block;

	if (!handle)
		return;
	if (own && pool_handle(own) == handle) {
		claim_end(own, r, CLAIM);
		return;
	}
	block = thread_hold(handle);
	if (!block)
		return;
	claim_end(block, r, CLAIM);
	thread_drop(block);
}
