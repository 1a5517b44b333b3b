/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context headers of one message, put together: which header is one of ours, what each of them
 * adds, and who the parent is once all were seen. Called by carry/ for what comes in, and for what
 * goes out to see what the program says itself. A doubt must end in "no parent", never in a guess.
 */
#include "context/context.h"

#include <string.h>

#include "base/compiler.h"
#include "context/text.h"

/* Bits of carrier.b3_has. */
enum {
	HAS_TRACE_ID = 1,
	HAS_SPAN_ID = 2,
	HAS_SINGLE = 4,
};

#define NAME_MAX_LEN 31

/* @lower holds lower-case letters, digits and dashes; folding must not touch the latter two. */
static bool same_name(const char *name, const char *lower, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char fold = lower[i] >= 'a' ? 0x20 : 0;

		if ((name[i] | fold) != lower[i])
			return false;
	}
	return true;
}

enum context_field context_field(const char *name, size_t len)
{
	/* Two constant sets, of lengths and of initials, turn away nearly every other header. */
#define FIELD(id, lower, written, propagator) | 1u << (sizeof(lower) - 1)
	const uint32_t lengths = 0
#include "context/field.def"
		;
#undef FIELD
#define FIELD(id, lower, written, propagator) | 1u << (lower[0] & 31)
	const uint32_t initials = 0
#include "context/field.def"
		;
#undef FIELD

	if (likely(len > NAME_MAX_LEN || !(lengths >> len & 1) ||
		   !(initials >> (name[0] & 31) & 1)))
		return FIELD_NONE;
#define FIELD(id, lower, written, propagator)                                      \
	if (len == sizeof(lower) - 1 && same_name(name, lower, sizeof(lower) - 1)) \
		return FIELD_##id;
#include "context/field.def"
#undef FIELD
	return FIELD_NONE;
}

void carrier_init(struct carrier *c, struct context *ctx, unsigned int propagators)
{
	memset(c, 0, sizeof(*c));
	c->ctx = ctx;
	c->propagators = (uint8_t)propagators;
	context_clear(ctx);
}

static int add_traceparent(struct carrier *c, const char *value, size_t len)
{
	int result;

	if (c->seen[FIELD_TRACEPARENT] > 1)
		result = context_refuse(REFUSAL_PARENT_TWICE);
	else
		result = traceparent_parse(value, len, &c->w3c);
	if (result)
		c->bad_parent = true;
	return result;
}

static int add_tracestate(struct carrier *c, const char *value, size_t len)
{
	int result;

	/* It was counted already. */
	if (c->bad_tracestate)
		return 0;
	result = tracestate_append(c->ctx, value, len);
	if (result == context_refuse(REFUSAL_STATE_FORM))
		c->bad_tracestate = true;
	return result;
}

static int add_baggage(struct carrier *c, const char *value, size_t len)
{
	int result = baggage_append(c->ctx, value, len);

	if (result == context_refuse(REFUSAL_BAGGAGE_FORM))
		c->bad_baggage = true;
	return result;
}

static void set_sampling(struct carrier *c, enum b3_sampling sampling)
{
	c->b3_deny = sampling == B3_DENY;
	c->b3_accept = sampling == B3_ACCEPT;
}

/* The single header settles everything that the X-B3 headers say, before it or behind it. */
static int add_b3_single(struct carrier *c, const char *value, size_t len)
{
	enum b3_sampling sampling;
	struct span_context span;
	int result = b3_parse(value, len, &span, &sampling);

	if (result || c->seen[FIELD_B3] > 1)
		return result;
	c->b3 = span;
	c->b3_has = HAS_SINGLE;
	if (span_context_valid(&span))
		c->b3_has |= HAS_TRACE_ID | HAS_SPAN_ID;
	set_sampling(c, sampling);
	return 0;
}

/* X-B3-Flags: 1 (debug) implies an accept, whatever X-B3-Sampled says. */
static int add_b3_sampling(struct carrier *c, enum context_field field, const char *value,
			   size_t len)
{
	enum b3_sampling sampling;
	int result;

	if (field == FIELD_B3_FLAGS)
		result = b3_flags_parse(value, len, &sampling);
	else
		result = b3_sampled_parse(value, len, &sampling);
	if (result || c->b3_has & HAS_SINGLE || c->seen[field] > 1 || sampling == B3_DEFER)
		return result;
	if (field == FIELD_B3_FLAGS || !c->b3_accept)
		set_sampling(c, sampling);
	return 0;
}

static int add_b3_id(struct carrier *c, enum context_field field, const char *value, size_t len)
{
	struct span_context parsed = c->b3;
	int result;

	if (field == FIELD_B3_PARENT_ID)
		return b3_parent_id_check(value, len);
	if (field == FIELD_B3_TRACE_ID)
		result = b3_trace_id_parse(value, len, parsed.trace_id);
	else
		result = b3_span_id_parse(value, len, parsed.span_id);
	if (result || c->b3_has & HAS_SINGLE || c->seen[field] > 1)
		return result;
	c->b3 = parsed;
	c->b3_has |= field == FIELD_B3_TRACE_ID ? HAS_TRACE_ID : HAS_SPAN_ID;
	return 0;
}

static int add_b3(struct carrier *c, enum context_field field, const char *value, size_t len)
{
	int result;

	if (field == FIELD_B3)
		result = add_b3_single(c, value, len);
	else if (field == FIELD_B3_SAMPLED || field == FIELD_B3_FLAGS)
		result = add_b3_sampling(c, field, value, len);
	else
		result = add_b3_id(c, field, value, len);
	if (result)
		c->bad_b3 = true;
	return result;
}

/* The propagators of which one must be selected for @field to be read. */
static unsigned int readers(enum context_field field)
{
	switch (field) {
	case FIELD_TRACEPARENT:
	case FIELD_TRACESTATE:
		return PROPAGATOR_TRACECONTEXT;
	case FIELD_BAGGAGE:
		return PROPAGATOR_BAGGAGE;
	case FIELD_REQUEST_ID:
		return PROPAGATOR_REQUEST_ID;
	default:
		return PROPAGATOR_B3 | PROPAGATOR_B3MULTI;
	}
}

int carrier_add(struct carrier *c, enum context_field field, const char *value, size_t len)
{
	if (field >= FIELD_COUNT)
		return 0;
	if (c->seen[field] < UINT8_MAX)
		c->seen[field]++;
	if (!(c->propagators & readers(field)))
		return 0;
	switch (field) {
	case FIELD_TRACEPARENT:
		return add_traceparent(c, value, len);
	case FIELD_TRACESTATE:
		return add_tracestate(c, value, len);
	case FIELD_BAGGAGE:
		return add_baggage(c, value, len);
	case FIELD_REQUEST_ID:
		return c->ctx->request_id_len ? 0 : request_id_parse(c->ctx, value, len);
	default:
		return add_b3(c, field, value, len);
	}
}

/* What B3 has to say when trace context said nothing. */
static enum carrier_result finish_b3(struct carrier *c, int *decision)
{
	uint8_t ids = c->b3_has & (HAS_TRACE_ID | HAS_SPAN_ID);

	if (c->bad_b3)
		return CARRIER_NONE;
	if (c->b3_accept || c->b3_deny)
		*decision = c->b3_accept;
	if (c->bad_parent)
		return CARRIER_NONE;
	if (ids == (HAS_TRACE_ID | HAS_SPAN_ID)) {
		c->ctx->span = c->b3;
		c->ctx->span.flags = c->b3_accept ? CONTEXT_SAMPLED : 0;
		return CARRIER_PARENT;
	}
	if (ids)
		c->refusal = context_refuse(REFUSAL_B3_PARTIAL);
	return CARRIER_NONE;
}

enum carrier_result carrier_finish(struct carrier *c, int *decision)
{
	bool w3c = !c->bad_parent && span_context_valid(&c->w3c);

	*decision = -1;
	if (!w3c || c->bad_tracestate) {
		c->ctx->tracestate_len = 0;
		c->ctx->tracestate_members = 0;
		c->ctx->tracestate_cut = 0;
	}
	if (!w3c)
		return finish_b3(c, decision);
	c->ctx->span = c->w3c;
	*decision = c->w3c.flags & CONTEXT_SAMPLED;
	return CARRIER_PARENT;
}

bool context_value_ok(enum context_field field, const char *value, size_t len)
{
	struct context ctx;
	struct carrier c;
	int result;

	ctx.baggage = NULL;
	ctx.baggage_cap = 0;
	carrier_init(&c, &ctx, ~0u);
	result = carrier_add(&c, field, value, len);
	return field < FIELD_COUNT && (result == 0 || result == context_refuse(REFUSAL_STATE_SIZE));
}
