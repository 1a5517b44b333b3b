/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole head: byte 0 selects propagators, bytes 1 and 2 say how much room there is to write, then
 * "name:value" lines. What is written back keeps to the room, has line ends at the ends of lines
 * only, and says the same when it is read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "context/context.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char baggage[2][CONTEXT_BAGGAGE_MAX];

/* Reads lines that end with '\n'; in our own, '\r' before it is no part of the value. */
static enum carrier_result read_head(struct context *ctx, unsigned int propagators, const char *at,
				     size_t len, bool strict)
{
	const char *end = at + len;
	struct carrier c;
	enum carrier_result result;
	int decision = 99;

	carrier_init(&c, ctx, propagators);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		const char *colon = memchr(at, ':', (size_t)(stop - at));
		int refusal;

		if (colon) {
			size_t value_len = (size_t)(stop - colon - 1);
			enum context_field field = context_field(at, (size_t)(colon - at));

			if (strict && value_len && stop[-1] == '\r')
				value_len--;
			refusal = carrier_add(&c, field, colon + 1, value_len);
			if (strict)
				CHECK(refusal == 0 && field != FIELD_NONE);
			else if (field != FIELD_NONE &&
				 context_value_ok(field, colon + 1, value_len))
				CHECK(refusal == 0 || context_refused(refusal) < REFUSAL_COUNT);
		}
		at = stop + 1;
	}
	result = carrier_finish(&c, &decision);
	CHECK(decision >= -1 && decision <= 1);
	CHECK((result == CARRIER_PARENT) == span_context_valid(&ctx->span));
	if (result == CARRIER_NONE)
		CHECK(ctx->tracestate_len == 0);
	return result;
}

/* Carriage return and line feed come in pairs and only there; no other control characters. */
static void check_lines(const char *out, size_t len)
{
	CHECK(len == 0 || out[len - 1] == '\n');
	for (size_t i = 0; i < len; i++) {
		if (out[i] == '\r')
			CHECK(i + 1 < len && out[i + 1] == '\n');
		else if (out[i] == '\n')
			CHECK(i > 0 && out[i - 1] == '\r');
		else
			CHECK(out[i] >= 0x20 && out[i] <= 0x7e);
	}
}

static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* With room for everything, what was written says what @ctx says. */
static void check_again(const struct context *ctx, unsigned int propagators)
{
	static char out[CONTEXT_BAGGAGE_MAX + 2048];
	struct context again = {.baggage = baggage[1], .baggage_cap = sizeof(baggage[1])};
	size_t len = context_inject(ctx, propagators, 0, out, sizeof(out));

	check_lines(out, len);
	read_head(&again, propagators, out, len, true);
	if (propagators & ~(unsigned int)(PROPAGATOR_BAGGAGE | PROPAGATOR_REQUEST_ID)) {
		CHECK(memcmp(&again.span, &ctx->span, sizeof(ctx->span) - 1) == 0);
		CHECK(((again.span.flags ^ ctx->span.flags) & CONTEXT_SAMPLED) == 0);
	}
	if (propagators & PROPAGATOR_TRACECONTEXT)
		CHECK(same_text(ctx->tracestate, ctx->tracestate_len, again.tracestate,
				again.tracestate_len));
	CHECK(same_text(ctx->baggage, ctx->baggage_len, again.baggage, again.baggage_len));
	CHECK(same_text(ctx->request_id, ctx->request_id_len, again.request_id,
			again.request_id_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct context ctx = {.baggage = baggage[0], .baggage_cap = sizeof(baggage[0])};
	unsigned int propagators, present;
	size_t cap, len;
	char *out;

	if (size < 3)
		return 0;
	propagators = data[0] & 31u;
	cap = (size_t)data[1] << 8 | data[2];
	present = data[2] & 0x80 ? data[1] : 0;
	read_head(&ctx, propagators, (const char *)data + 3, size - 3, false);
	out = malloc(cap ? cap : 1);
	CHECK(out);
	len = context_inject(&ctx, propagators, present, out, cap);
	CHECK(len <= cap);
	check_lines(out, len);
	free(out);
	check_again(&ctx, propagators);
	return 0;
}
