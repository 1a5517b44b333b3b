/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written: header lines beside a program's own, in little room, and single values; which
 * values may go on as they are; and OTEL_PROPAGATORS. Output ends at a guard page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "context/context.h"
#include "tests/unit/guard.h"

#define TRACE "12345678901234567890123456789012"
#define SPAN  "1234567890123456"

#define W3C    (PROPAGATOR_TRACECONTEXT | PROPAGATOR_BAGGAGE | PROPAGATOR_REQUEST_ID)
#define ANY_B3 (PROPAGATOR_B3 | PROPAGATOR_B3MULTI)
#define ALL    (W3C | ANY_B3)

#define LINE_TRACEPARENT "traceparent: 00-" TRACE "-" SPAN "-03\r\n"
#define LINE_TRACESTATE  "tracestate: a=1,b= 2\r\n"
#define LINE_BAGGAGE     "baggage: k=v;p\r\n"
#define LINE_B3          "b3: " TRACE "-" SPAN "-1\r\n"
#define LINES_MULTI      "X-B3-TraceId: " TRACE "\r\nX-B3-SpanId: " SPAN "\r\nX-B3-Sampled: 1\r\n"
#define LINE_REQUEST     "X-Request-ID: r-1\r\n"

static void fill(struct context *ctx)
{
	static char baggage[64];

	*ctx = (struct context){.baggage = baggage, .baggage_cap = sizeof(baggage)};
	assert_int_equal(traceparent_parse("cc-" TRACE "-" SPAN "-ff-x", 57, &ctx->span), 0);
	assert_int_equal(tracestate_append(ctx, "a=1 , b= 2", 10), 0);
	assert_int_equal(baggage_append(ctx, "k=v ; p", 7), 0);
	assert_int_equal(request_id_parse(ctx, "r-1", 3), 0);
}

/* What context_inject() writes into @cap bytes before a guard page. */
static void expect_lines(const struct context *ctx, unsigned int propagators, unsigned int present,
			 size_t cap, const char *want)
{
	static char blank[CONTEXT_BAGGAGE_MAX + 1024];
	char *out = guard_copy(blank, cap);
	size_t len = context_inject(ctx, propagators, present, out, cap);

	if (len != strlen(want) || memcmp(out, want, len) != 0)
		fail_msg("into %zu bytes: \"%.*s\" instead of \"%s\"", cap, (int)len, out, want);
	guard_free(out, cap);
}

static void test_inject(void **state)
{
	struct context ctx, empty = {.baggage = NULL};

	(void)state;
	fill(&ctx);
	expect_lines(&ctx, 0, 0, 1000, "");
	expect_lines(&ctx, PROPAGATOR_TRACECONTEXT, 0, 1000, LINE_TRACEPARENT LINE_TRACESTATE);
	expect_lines(&ctx, PROPAGATOR_BAGGAGE, 0, 1000, LINE_BAGGAGE);
	expect_lines(&ctx, PROPAGATOR_B3, 0, 1000, LINE_B3);
	expect_lines(&ctx, PROPAGATOR_B3MULTI, 0, 1000, LINES_MULTI);
	expect_lines(&ctx, PROPAGATOR_REQUEST_ID, 0, 1000, LINE_REQUEST);
	expect_lines(
		&ctx, ALL, 0, 1000,
		LINE_TRACEPARENT LINE_TRACESTATE LINE_BAGGAGE LINE_B3 LINES_MULTI LINE_REQUEST);
	expect_lines(&empty, ALL, 0, 1000, "");
	/* A length without memory is no baggage. */
	empty.baggage_len = 3;
	expect_lines(&empty, ALL, 0, 1000, "");
	ctx.span.flags = CONTEXT_RANDOM;
	expect_lines(&ctx, ANY_B3, 0, 1000,
		     "b3: " TRACE "-" SPAN "-0\r\nX-B3-TraceId: " TRACE "\r\nX-B3-SpanId: " SPAN
		     "\r\nX-B3-Sampled: 0\r\n");
	/* Without ids there is no tracestate either. */
	memset(&ctx.span, 0, sizeof(ctx.span));
	expect_lines(&ctx, ALL, 0, 1000, LINE_BAGGAGE LINE_REQUEST);
}

static void test_inject_beside_the_programs_own(void **state)
{
	struct context ctx;

	(void)state;
	fill(&ctx);
	expect_lines(&ctx, W3C, 1u << FIELD_TRACEPARENT, 1000,
		     LINE_TRACESTATE LINE_BAGGAGE LINE_REQUEST);
	expect_lines(&ctx, W3C, 1u << FIELD_TRACEPARENT | 1u << FIELD_TRACESTATE, 1000,
		     LINE_BAGGAGE LINE_REQUEST);
	expect_lines(&ctx, W3C, 1u << FIELD_TRACESTATE, 1000,
		     LINE_TRACEPARENT LINE_BAGGAGE LINE_REQUEST);
	expect_lines(&ctx, W3C, 1u << FIELD_BAGGAGE, 1000,
		     LINE_TRACEPARENT LINE_TRACESTATE LINE_REQUEST);
	expect_lines(&ctx, W3C, 1u << FIELD_REQUEST_ID, 1000,
		     LINE_TRACEPARENT LINE_TRACESTATE LINE_BAGGAGE);
	for (unsigned int field = FIELD_B3; field <= FIELD_B3_FLAGS; field++)
		expect_lines(&ctx, ALL, 1u << field, 1000,
			     LINE_TRACEPARENT LINE_TRACESTATE LINE_BAGGAGE LINE_REQUEST);
	expect_lines(&ctx, ALL, ~0u, 1000, "");
}

/* Lines that do not fit are left out; those behind them that do are not. */
static void test_inject_into_little_room(void **state)
{
	static const size_t parent = sizeof(LINE_TRACEPARENT) - 1,
			    tail = sizeof(LINE_TRACESTATE) - 1, bag = sizeof(LINE_BAGGAGE) - 1,
			    multi = sizeof(LINES_MULTI) - 1;
	struct context ctx;

	(void)state;
	fill(&ctx);
	for (size_t cap = 0; cap <= parent + tail; cap++)
		expect_lines(&ctx, PROPAGATOR_TRACECONTEXT, 0, cap,
			     cap < parent          ? ""
			     : cap < parent + tail ? LINE_TRACEPARENT
						   : LINE_TRACEPARENT LINE_TRACESTATE);
	for (size_t cap = bag; cap < parent; cap++)
		expect_lines(&ctx, W3C & ~(unsigned int)PROPAGATOR_REQUEST_ID, 0, cap,
			     LINE_BAGGAGE);
	for (size_t cap = 0; cap <= multi; cap++)
		expect_lines(&ctx, PROPAGATOR_B3MULTI, 0, cap, cap < multi ? "" : LINES_MULTI);
	ctx.tracestate_len = 0;
	for (size_t cap = parent; cap < parent + bag; cap++)
		expect_lines(&ctx, PROPAGATOR_TRACECONTEXT | PROPAGATOR_BAGGAGE, 0, cap,
			     LINE_TRACEPARENT);
}

static void test_format_values(void **state)
{
	static const char *const want[FIELD_COUNT] = {
		[FIELD_TRACEPARENT] = "00-" TRACE "-" SPAN "-03",
		[FIELD_TRACESTATE] = "a=1,b= 2",
		[FIELD_BAGGAGE] = "k=v;p",
		[FIELD_B3] = TRACE "-" SPAN "-1",
		[FIELD_B3_TRACE_ID] = TRACE,
		[FIELD_B3_SPAN_ID] = SPAN,
		[FIELD_B3_PARENT_ID] = "",
		[FIELD_B3_SAMPLED] = "1",
		[FIELD_B3_FLAGS] = "",
		[FIELD_REQUEST_ID] = "r-1",
	};
	struct context ctx;

	(void)state;
	fill(&ctx);
	for (unsigned int field = 0; field < FIELD_COUNT; field++) {
		size_t len = strlen(want[field]);
		char *out = guard_copy(want[field], len);

		memset(out, '?', len);
		assert_int_equal(context_format(&ctx, field, out, len), len);
		assert_memory_equal(out, want[field], len);
		assert_int_equal(context_value_ok(field, out, len), len > 0);
		guard_free(out, len);
		out = guard_copy(NULL, 0);
		if (len)
			assert_int_equal(context_format(&ctx, field, out - (len - 1), len - 1), 0);
		guard_free(out, 0);
	}
	assert_int_equal(context_format(&ctx, FIELD_NONE, NULL, 0), 0);
}

static void test_value_ok(void **state)
{
	char large[700];

	(void)state;
	assert_true(context_value_ok(FIELD_TRACEPARENT, "00-" TRACE "-" SPAN "-01", 55));
	assert_false(context_value_ok(FIELD_TRACEPARENT, "00-" TRACE "-" SPAN "-01", 54));
	assert_true(context_value_ok(FIELD_TRACESTATE, "", 0));
	assert_false(context_value_ok(FIELD_TRACESTATE, "a=1,a=2", 7));
	assert_true(context_value_ok(FIELD_BAGGAGE, "a=1;p", 5));
	assert_false(context_value_ok(FIELD_BAGGAGE, "a", 1));
	assert_true(context_value_ok(FIELD_B3_FLAGS, "1", 1));
	assert_false(context_value_ok(FIELD_B3_SAMPLED, "d", 1));
	assert_false(context_value_ok(FIELD_NONE, "1", 1));
	/* Too large for us to keep is not malformed. */
	memset(large, 'k', sizeof(large));
	large[200] = large[400] = large[600] = '=';
	large[202] = large[402] = large[602] = ',';
	large[0] = 'a';
	large[203] = 'b';
	large[403] = 'c';
	large[603] = 'd';
	large[650] = '=';
	assert_true(context_value_ok(FIELD_TRACESTATE, large, sizeof(large)));
}

/* ---- OTEL_PROPAGATORS ---- */

static const struct {
	const char *list;
	unsigned int want;
	const char *unknown; /* NULL: all known */
} settings[] = {
	{"tracecontext,baggage", PROPAGATOR_TRACECONTEXT | PROPAGATOR_BAGGAGE, NULL},
	{"tracecontext,baggage,xrequestid", W3C, NULL},
	{" b3 ,\tb3multi ", ANY_B3, NULL},
	{"b3", PROPAGATOR_B3, NULL},
	{"b3multi", PROPAGATOR_B3MULTI, NULL},
	{"none", 0, NULL},
	{" none ", 0, NULL},
	{"", 0, NULL},
	{" , ,", 0, NULL},
	{"none,b3", PROPAGATOR_B3, NULL},
	{"b3,b3", PROPAGATOR_B3, NULL},
	{"jaeger", 0, "jaeger"},
	{"b3, jaeger ,xray", PROPAGATOR_B3, "jaeger"},
	{"B3", 0, "B3"},
	{"b", 0, "b"},
	{"b3m", 0, "b3m"},
	{"trace context", 0, "trace context"},
};

static void test_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const char *unknown = "?";
		size_t len = 99;
		char *list = guard_copy(settings[i].list, strlen(settings[i].list) + 1);

		assert_int_equal(propagators_parse(list, &unknown, &len), settings[i].want);
		if (settings[i].unknown) {
			assert_int_equal(len, strlen(settings[i].unknown));
			assert_memory_equal(unknown, settings[i].unknown, len);
		} else {
			assert_null(unknown);
			assert_int_equal(len, 0);
		}
		guard_free(list, strlen(settings[i].list) + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inject),
		cmocka_unit_test(test_inject_beside_the_programs_own),
		cmocka_unit_test(test_inject_into_little_room),
		cmocka_unit_test(test_format_values),
		cmocka_unit_test(test_value_ok),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
