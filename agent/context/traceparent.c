/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traceparent header (W3C Trace Context level 2, section 3.2): who called, in 55 characters.
 * Called by carrier.c, inject.c and whoever reads TRACEPARENT from an environment. Must never
 * accept what the specification calls invalid: a wrong parent cannot be taken back.
 */
#include "context/context.h"

#include <string.h>

#include "base/hex.h"
#include "context/text.h"

/* Where the parts stand, in every version that this one can read. */
enum {
	AT_TRACE_ID = 3,
	AT_SPAN_ID = 36,
	AT_FLAGS = 53,
};

bool span_context_valid(const struct span_context *span)
{
	return !id_is_zero(span->trace_id, sizeof(span->trace_id)) &&
	       !id_is_zero(span->span_id, sizeof(span->span_id));
}

void context_clear(struct context *ctx)
{
	memset(&ctx->span, 0, sizeof(ctx->span));
	ctx->tracestate_members = 0;
	ctx->tracestate_cut = 0;
	ctx->tracestate_len = 0;
	ctx->request_id_len = 0;
	ctx->baggage_len = 0;
}

int traceparent_parse(const char *s, size_t len, struct span_context *out)
{
	struct text t = text_trim((struct text){s, len});
	struct span_context span;
	uint8_t version;

	if (t.len < CONTEXT_TRACEPARENT_LEN)
		return context_refuse(REFUSAL_PARENT_LENGTH);
	if (!hex_decode(&version, t.at, 1) || t.at[AT_TRACE_ID - 1] != '-')
		return context_refuse(REFUSAL_PARENT_FORM);
	if (version == 0xff)
		return context_refuse(REFUSAL_PARENT_VERSION);
	if (t.len > CONTEXT_TRACEPARENT_LEN) {
		if (version == 0)
			return context_refuse(REFUSAL_PARENT_LENGTH);
		/* Later versions may only add, behind a dash; what they add is not for us. */
		if (t.at[CONTEXT_TRACEPARENT_LEN] != '-')
			return context_refuse(REFUSAL_PARENT_FORM);
	}
	if (t.at[AT_SPAN_ID - 1] != '-' || t.at[AT_FLAGS - 1] != '-' ||
	    !hex_decode(span.trace_id, t.at + AT_TRACE_ID, sizeof(span.trace_id)) ||
	    !hex_decode(span.span_id, t.at + AT_SPAN_ID, sizeof(span.span_id)) ||
	    !hex_decode(&span.flags, t.at + AT_FLAGS, 1))
		return context_refuse(REFUSAL_PARENT_FORM);
	if (!span_context_valid(&span))
		return context_refuse(REFUSAL_PARENT_ZERO);
	*out = span;
	return 0;
}

void traceparent_format(const struct span_context *span, char *out)
{
	uint8_t flags = span->flags & (CONTEXT_SAMPLED | CONTEXT_RANDOM);

	out[0] = '0';
	out[1] = '0';
	out[AT_TRACE_ID - 1] = '-';
	hex_encode(out + AT_TRACE_ID, span->trace_id, sizeof(span->trace_id));
	out[AT_SPAN_ID - 1] = '-';
	hex_encode(out + AT_SPAN_ID, span->span_id, sizeof(span->span_id));
	out[AT_FLAGS - 1] = '-';
	hex_encode(out + AT_FLAGS, &flags, 1);
}
