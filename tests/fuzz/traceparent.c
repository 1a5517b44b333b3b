/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traceparent: what is accepted is a parent, and survives being written and read again.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span_context span, again, before;
	char text[CONTEXT_TRACEPARENT_LEN];
	int result;

	memset(&before, 0xa5, sizeof(before));
	span = before;
	result = traceparent_parse((const char *)data, size, &span);
	CHECK(context_value_ok(FIELD_TRACEPARENT, (const char *)data, size) == (result == 0));
	if (result) {
		CHECK(context_refused(result) <= REFUSAL_PARENT_ZERO);
		CHECK(memcmp(&span, &before, sizeof(span)) == 0);
		return 0;
	}
	CHECK(span_context_valid(&span));
	traceparent_format(&span, text);
	CHECK(traceparent_parse(text, sizeof(text), &again) == 0);
	CHECK(memcmp(again.trace_id, span.trace_id, sizeof(span.trace_id)) == 0);
	CHECK(memcmp(again.span_id, span.span_id, sizeof(span.span_id)) == 0);
	CHECK(again.flags == (span.flags & (CONTEXT_SAMPLED | CONTEXT_RANDOM)));
	return 0;
}
