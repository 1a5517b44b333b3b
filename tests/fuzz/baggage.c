/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baggage, one header line per line of input into as much memory as the first byte says: what is
 * kept fits, reads as itself, and a refused line changes nothing. A line is also taken as a value
 * of ours.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "context/context.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

/* More of them say nothing new and take long. */
#define MAX_LINES 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_kept(const struct context *ctx)
{
	struct context again = {.baggage = malloc(CONTEXT_BAGGAGE_MAX),
				.baggage_cap = CONTEXT_BAGGAGE_MAX};

	CHECK(again.baggage && ctx->baggage_len <= ctx->baggage_cap);
	for (size_t i = 0; i < ctx->baggage_len; i++)
		CHECK(ctx->baggage[i] >= 0x21 && ctx->baggage[i] <= 0x7e);
	CHECK(baggage_append(&again, ctx->baggage, ctx->baggage_len) == 0);
	CHECK(again.baggage_len == ctx->baggage_len);
	CHECK(memcmp(again.baggage, ctx->baggage, again.baggage_len) == 0);
	free(again.baggage);
}

static void append(struct context *ctx, const char *line, size_t len)
{
	size_t before = ctx->baggage_len;
	int result = baggage_append(ctx, line, len);

	CHECK(context_value_ok(FIELD_BAGGAGE, line, len) ==
	      (result != context_refuse(REFUSAL_BAGGAGE_FORM)));
	if (result == context_refuse(REFUSAL_BAGGAGE_FORM))
		CHECK(ctx->baggage_len == before);
	else
		CHECK(result == 0 || result == context_refuse(REFUSAL_BAGGAGE_SIZE));
	check_kept(ctx);
	before = ctx->baggage_len;
	result = baggage_append_pair(ctx, "key", 3, line, len);
	CHECK(result == 0 || (result == -ENOSPC && ctx->baggage_len == before));
	result = baggage_append_pair(ctx, line, len, "", 0);
	CHECK(result == 0 || result == -ENOSPC || result == -EINVAL);
	check_kept(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct context ctx = {.baggage_len = 0};

	if (size == 0)
		return 0;
	/* A multiple of 32 up to what the specification asks for. */
	ctx.baggage_cap = (uint16_t)((data[0] + 1) * 32);
	ctx.baggage = malloc(ctx.baggage_cap);
	CHECK(ctx.baggage);
	at++;
	for (int lines = 0; lines < MAX_LINES && at < end; lines++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		append(&ctx, at, (size_t)(stop - at));
		at = stop + 1;
	}
	free(ctx.baggage);
	return 0;
}
