/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that went out: whose they are, in the order of evidence of the causality rules (3.5):
 * what their own bytes say, the current context when nothing else can be the cause, the connection
 * made for them alone, the process itself. What is not proven has no parent.
 */
#include "carry/private.h"

#include <string.h>

static struct pool exchanges = POOL_OF(struct exchange, 128, NULL);

struct exchange *exchange_new(uint64_t now)
{
	struct exchange *x = pool_take(&exchanges);

	if (!x) {
		count(COUNTER_TABLE_FULL);
		return NULL;
	}
	memset((char *)x + sizeof(x->object), 0,
	       offsetof(struct exchange, head) - sizeof(x->object));
	head_clear(&x->head);
	x->start_ns = now;
	x->forks = process.forks;
	return x;
}

static void exchange_name_span(struct exchange *x)
{
	random_bytes(&thread_block()->random, x->span.span_id, sizeof(x->span.span_id));
	x->span.flags =
		(uint8_t)((x->span.flags & ~CONTEXT_SAMPLED) | (x->sampled ? CONTEXT_SAMPLED : 0));
	x->decided = true;
}

/* @r causes this exchange. Takes over the caller's reference. */
static void exchange_own(struct exchange *x, struct request *r, enum record_tier tier,
			 enum rule rule)
{
	x->owner = pool_handle(r);
	x->held = true;
	x->sampled = r->sampled;
	x->span = r->context.span;
	memcpy(x->parent_id, r->context.span.span_id, sizeof(x->parent_id));
	x->tier = tier;
	x->rule = rule;
	add_u32(&r->in_flight, 1);
	/* from here to the answer it is known what the request waits for */
	request_release(r);
	exchange_name_span(x);
}

static void exchange_root(struct exchange *x)
{
	random_bytes(&thread_block()->random, x->span.trace_id, sizeof(x->span.trace_id));
	x->span.flags = CONTEXT_RANDOM;
	x->sampled = process_sample_root(x->span.trace_id);
	exchange_name_span(x);
}

/* What a program does that never read a request is its own: a client, a step of a build. */
static bool exchange_of_process(struct exchange *x)
{
	if (!process.has_parent || carry_serving)
		return false;
	x->span = process.own.span;
	memcpy(x->parent_id, process.own.span.span_id, sizeof(x->parent_id));
	x->parent_remote = true;
	x->sampled = process.own_sampled;
	x->tier = TIER_EXACT;
	x->rule = RULE_PROCESS;
	exchange_name_span(x);
	return true;
}

void exchange_decide(struct exchange *x, const struct connection *c, bool one_shot)
{
	struct request *r;

	if (x->decided)
		return;
	if (!one_shot)
		atomic_store_explicit(&process.pooled_calls, true, memory_order_relaxed);
	r = thread_current();
	if (r && thread_sole(r)) {
		exchange_own(x, r, (enum record_tier)carry_self.tier, (enum rule)carry_self.rule);
		return;
	}
	if (r) {
		count(COUNTER_AMBIGUOUS);
		request_drop(r);
	}
	r = one_shot && !c->used ? pool_hold(&requests, c->birth) : NULL;
	if (r && r->state == RECORD_ACTIVE) {
		exchange_own(x, r, TIER_EXACT, RULE_CONNECT);
		return;
	}
	if (r)
		request_drop(r);
	if (exchange_of_process(x))
		return;
	count(COUNTER_NO_PARENT);
	exchange_root(x);
}

void exchange_follow(struct exchange *x, const struct span_context *named)
{
	struct request *r;

	if (x->decided)
		return;
	count(COUNTER_FOLLOWED);
	r = request_forwarded(named);
	if (r) {
		thread_touch(r, TIER_EXACT, RULE_HEADER);
		exchange_own(x, r, TIER_EXACT, RULE_HEADER);
		return;
	}
	/* a span of the program's own, or of a request that is gone: the bytes themselves name the
	 * parent */
	x->span = *named;
	memcpy(x->parent_id, named->span_id, sizeof(x->parent_id));
	x->parent_remote = true;
	x->sampled = process_sample_child(named->trace_id, named->flags);
	x->tier = TIER_EXACT;
	x->rule = RULE_HEADER;
	exchange_name_span(x);
}

void exchange_context(const struct exchange *x, struct context *out)
{
	struct request *r = x->held ? pool_hold(&requests, x->owner) : NULL;
	const struct context *from = r ? &r->context : &process.own;

	if (r || x->rule == RULE_PROCESS) {
		*out = *from;
	} else {
		context_clear(out);
		/* a server's own baggage is no request's */
		from = carry_serving ? &process.pairs_baggage : &process.own;
		out->baggage = from->baggage;
		out->baggage_len = from->baggage_len;
	}
	out->span = x->span;
	if (!out->request_id_len)
		context_name_request(out);
	if (r)
		request_drop(r); /* the exchange's own reference keeps the text alive */
}

/* The owner's next step is this thread's again, unless it still waits for another answer. */
static void exchange_disown(struct exchange *x, bool answered)
{
	struct request *r = x->held ? pool_hold(&requests, x->owner) : NULL;

	if (!r)
		return;
	if (add_u32(&r->in_flight, UINT32_MAX) == 1 && answered)
		request_claim(r);
	request_drop(r);
	request_drop(r);
	x->held = false;
}

void exchange_undecide(struct exchange *x)
{
	exchange_disown(x, true);
	x->decided = x->parent_remote = false;
	x->owner = 0;
	x->tier = TIER_NONE;
	x->rule = RULE_NONE;
	memset(x->parent_id, 0, sizeof(x->parent_id));
}

void exchange_end(struct exchange *x, const struct connection *c, const char *why)
{
	if (why && !x->head.status && x->forks != process.forks)
		count(COUNTER_SPANS_SHARED);
	else if (x->decided)
		emit_exchange(x, c, why);
	exchange_disown(x, true);
	pool_drop(&exchanges, x);
}

void exchange_cancel(struct exchange *x)
{
	exchange_disown(x, true);
	pool_drop(&exchanges, x);
}
