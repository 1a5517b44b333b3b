/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A context as header lines: what carry/ puts before the blank line of a request that goes out.
 * Must never write part of a line, nor a second opinion beside the program's own headers.
 */
#include "context/context.h"

#include <string.h>

#include "base/hex.h"

#define BIT(field) (1u << (field))

static const unsigned int b3_multi =
	BIT(FIELD_B3_TRACE_ID) | BIT(FIELD_B3_SPAN_ID) | BIT(FIELD_B3_SAMPLED);
static const unsigned int b3_any = BIT(FIELD_B3) | BIT(FIELD_B3_TRACE_ID) | BIT(FIELD_B3_SPAN_ID) |
				   BIT(FIELD_B3_PARENT_ID) | BIT(FIELD_B3_SAMPLED) |
				   BIT(FIELD_B3_FLAGS);

/* Names are arrays, not pointers: nothing to relocate. */
static const struct {
	char name[20];
	uint8_t len;
	uint8_t propagator;
} rows[FIELD_COUNT] = {
#define FIELD(id, lower, written, propagator) \
	{written, sizeof(written) - 1, PROPAGATOR_##propagator},
#include "context/field.def"
#undef FIELD
};

static size_t put_text(char *out, size_t cap, const char *text, size_t len)
{
	if (len > cap)
		return 0;
	memcpy(out, text, len);
	return len;
}

/* The fields made of the ids; @out has room. */
static void format_span(const struct span_context *span, enum context_field field, char *out)
{
	switch (field) {
	case FIELD_TRACEPARENT:
		traceparent_format(span, out);
		break;
	case FIELD_B3:
		b3_format(span, out);
		break;
	case FIELD_B3_TRACE_ID:
		hex_encode(out, span->trace_id, sizeof(span->trace_id));
		break;
	case FIELD_B3_SPAN_ID:
		hex_encode(out, span->span_id, sizeof(span->span_id));
		break;
	default:
		*out = span->flags & CONTEXT_SAMPLED ? '1' : '0';
	}
}

/* How long the fields made of the ids are; 0 for all others. */
static size_t span_field_len(enum context_field field)
{
	switch (field) {
	case FIELD_TRACEPARENT:
		return CONTEXT_TRACEPARENT_LEN;
	case FIELD_B3:
		return CONTEXT_B3_LEN;
	case FIELD_B3_TRACE_ID:
		return 2 * (size_t)CONTEXT_TRACE_ID_LEN;
	case FIELD_B3_SPAN_ID:
		return 2 * (size_t)CONTEXT_SPAN_ID_LEN;
	case FIELD_B3_SAMPLED:
		return 1;
	default:
		return 0;
	}
}

size_t context_format(const struct context *ctx, enum context_field field, char *out, size_t cap)
{
	size_t len = span_field_len(field);

	if (len) {
		if (len > cap || !span_context_valid(&ctx->span))
			return 0;
		format_span(&ctx->span, field, out);
		return len;
	}
	if (field == FIELD_TRACESTATE)
		return put_text(out, cap, ctx->tracestate, ctx->tracestate_len);
	if (field == FIELD_BAGGAGE && ctx->baggage)
		return put_text(out, cap, ctx->baggage, ctx->baggage_len);
	if (field == FIELD_REQUEST_ID)
		return put_text(out, cap, ctx->request_id, ctx->request_id_len);
	return 0;
}

/* One line; 0 when there is nothing to say or no room for all of it. */
static size_t put_line(const struct context *ctx, enum context_field field, char *out, size_t cap)
{
	size_t name_len = rows[field].len, len;
	size_t frame = name_len + sizeof(": \r\n") - 1;

	if (cap <= frame)
		return 0;
	len = context_format(ctx, field, out + name_len + 2, cap - frame);
	if (len == 0)
		return 0;
	memcpy(out, rows[field].name, name_len);
	out[name_len] = ':';
	out[name_len + 1] = ' ';
	out[name_len + 2 + len] = '\r';
	out[name_len + 3 + len] = '\n';
	return frame + len;
}

/* The X-B3 headers are worth nothing one by one. */
static bool b3_multi_fits(size_t cap)
{
	size_t need = 0;

	for (unsigned int field = 0; field < FIELD_COUNT; field++) {
		if (b3_multi & BIT(field))
			need += rows[field].len + sizeof(": \r\n") - 1 + span_field_len(field);
	}
	return need <= cap;
}

size_t context_inject(const struct context *ctx, unsigned int propagators, unsigned int present,
		      char *out, size_t cap)
{
	size_t used = 0;

	if (present & b3_any)
		present |= b3_any;
	for (unsigned int field = 0; field < FIELD_COUNT; field++) {
		size_t len;

		if (!(propagators & rows[field].propagator) || present & BIT(field))
			continue;
		if (field == FIELD_B3_TRACE_ID && !b3_multi_fits(cap - used)) {
			present |= b3_any;
			continue;
		}
		len = put_line(ctx, field, out + used, cap - used);
		if (len == 0 && field == FIELD_TRACEPARENT)
			present |= BIT(FIELD_TRACESTATE);
		used += len;
	}
	return used;
}
