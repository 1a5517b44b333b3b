/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracestate, one header line per line of input: what is kept is a tracestate of at most 512 bytes,
 * reads as itself, and a refused line changes nothing.
 */
#include <stdint.h>
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
	struct context again = {.baggage = NULL};

	CHECK(ctx->tracestate_len <= CONTEXT_TRACESTATE_MAX);
	CHECK(ctx->tracestate_members <= CONTEXT_TRACESTATE_MEMBERS);
	for (size_t i = 0; i < ctx->tracestate_len; i++)
		CHECK(ctx->tracestate[i] >= 0x20 && ctx->tracestate[i] <= 0x7e);
	CHECK(tracestate_append(&again, ctx->tracestate, ctx->tracestate_len) == 0);
	CHECK(again.tracestate_len == ctx->tracestate_len);
	CHECK(memcmp(again.tracestate, ctx->tracestate, again.tracestate_len) == 0);
}

static void append(struct context *ctx, const char *line, size_t len)
{
	struct context before = *ctx;
	int result = tracestate_append(ctx, line, len);

	if (result == context_refuse(REFUSAL_STATE_FORM))
		CHECK(memcmp(&before, ctx, sizeof(before)) == 0);
	else
		CHECK(result == 0 || result == context_refuse(REFUSAL_STATE_SIZE));
	if (result == 0)
		CHECK(ctx->tracestate_len >= before.tracestate_len);
	check_kept(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct context ctx;

	memset(&ctx, 0, sizeof(ctx));
	for (int lines = 0; lines < MAX_LINES && at < end; lines++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		append(&ctx, at, (size_t)(stop - at));
		at = stop + 1;
	}
	return 0;
}
