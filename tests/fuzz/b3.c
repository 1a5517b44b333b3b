/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B3: the same input as each of its headers. What is accepted as b3 survives being written and read
 * again; what is refused leaves everything as it was.
 */
#include <stdint.h>
#include <string.h>

#include "context/context.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_single(const char *s, size_t len)
{
	struct span_context span, again, before;
	enum b3_sampling sampling = B3_DEFER, same = B3_DEFER;
	char text[CONTEXT_B3_LEN];

	memset(&before, 0xa5, sizeof(before));
	span = before;
	if (b3_parse(s, len, &span, &sampling)) {
		CHECK(memcmp(&span, &before, sizeof(span)) == 0);
		return;
	}
	CHECK(span.flags == (sampling == B3_ACCEPT ? CONTEXT_SAMPLED : 0));
	if (!span_context_valid(&span)) {
		CHECK(sampling != B3_DEFER);
		return;
	}
	b3_format(&span, text);
	CHECK(b3_parse(text, sizeof(text), &again, &same) == 0);
	CHECK(memcmp(&again, &span, sizeof(span)) == 0);
	CHECK(same == (sampling == B3_ACCEPT ? B3_ACCEPT : B3_DENY));
}

static void check_multi(const char *s, size_t len)
{
	uint8_t trace[CONTEXT_TRACE_ID_LEN] = {0}, span[CONTEXT_SPAN_ID_LEN] = {0};
	enum b3_sampling sampling;

	if (b3_trace_id_parse(s, len, trace) == 0)
		CHECK(memcmp(trace, (uint8_t[16]){0}, sizeof(trace)) != 0);
	if (b3_span_id_parse(s, len, span) == 0)
		CHECK(b3_parent_id_check(s, len) == 0);
	if (b3_sampled_parse(s, len, &sampling) == 0)
		CHECK(sampling == B3_ACCEPT || sampling == B3_DENY);
	if (b3_flags_parse(s, len, &sampling) == 0)
		CHECK(sampling == B3_ACCEPT || sampling == B3_DEFER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_single((const char *)data, size);
	check_multi((const char *)data, size);
	return 0;
}
