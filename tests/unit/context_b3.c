/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B3, each header by itself. How they add up to a parent is tested in context_carrier.c. Every
 * input ends at a guard page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "context/context.h"
#include "tests/unit/guard.h"

#define LONG   "80f198ee56343ba864fe8b2a57d3eff7"
#define SHORT  "64fe8b2a57d3eff7"
#define SPAN   "e457b5a2e4d86bd1"
#define PARENT "05e3ac9a4f6e3b90"
#define ZERO16 "0000000000000000"

#define OK   REFUSAL_COUNT
#define FORM REFUSAL_B3_FORM
#define ZERO REFUSAL_B3_ZERO

static void check(const char *what, int result, enum context_refusal want)
{
	if (result != (want == OK ? 0 : context_refuse(want)))
		fail_msg("\"%s\": got %d", what, result);
}

static const struct {
	const char *text;
	enum context_refusal want;
	enum b3_sampling sampling;
	bool ids;
} singles[] = {
	{LONG "-" SPAN, OK, B3_DEFER, true},
	{LONG "-" SPAN "-1", OK, B3_ACCEPT, true},
	{LONG "-" SPAN "-0", OK, B3_DENY, true},
	{LONG "-" SPAN "-d", OK, B3_ACCEPT, true},
	{LONG "-" SPAN "-1-" PARENT, OK, B3_ACCEPT, true},
	{LONG "-" SPAN "-0-" ZERO16, OK, B3_DENY, true},
	{SHORT "-" SPAN, OK, B3_DEFER, true},
	{SHORT "-" SPAN "-1", OK, B3_ACCEPT, true},
	{SHORT "-" SPAN "-d-" PARENT, OK, B3_ACCEPT, true},
	{" \t" LONG "-" SPAN "-1\t ", OK, B3_ACCEPT, true},
	{ZERO16 SHORT "-" SPAN "-1", OK, B3_ACCEPT, true},
	{"0", OK, B3_DENY, false},
	{"1", OK, B3_ACCEPT, false},
	{"d", OK, B3_ACCEPT, false},
	{" 0 ", OK, B3_DENY, false},
	{"", FORM, 0, false},
	{"2", FORM, 0, false},
	{"D", FORM, 0, false},
	{"-", FORM, 0, false},
	{"00", FORM, 0, false},
	{"true", FORM, 0, false},
	{LONG, FORM, 0, false},
	{LONG "-", FORM, 0, false},
	{LONG "-1", FORM, 0, false},
	{SHORT, FORM, 0, false},
	{LONG "-" SPAN "-", FORM, 0, false},
	{LONG "-" SPAN "-2", FORM, 0, false},
	{LONG "-" SPAN "-11", FORM, 0, false},
	{LONG "-" SPAN "--", FORM, 0, false},
	{LONG "-" SPAN "1", FORM, 0, false},
	{LONG "-" SPAN "-1-", FORM, 0, false},
	{LONG "-" SPAN "-1-05e3ac9a4f6e3b9", FORM, 0, false},
	{LONG "-" SPAN "-1-" PARENT "0", FORM, 0, false},
	{LONG "-" SPAN "-1-" PARENT "-1", FORM, 0, false},
	{LONG "-" SPAN "-1-05e3ac9a4f6e3b9G", FORM, 0, false},
	{LONG "-" SPAN "-" PARENT, FORM, 0, false},
	{LONG "-" SPAN "-1_" PARENT, FORM, 0, false},
	{LONG "_" SPAN "-1", FORM, 0, false},
	{SHORT "_" SPAN "-1", FORM, 0, false},
	{LONG "0-" SPAN "-1", FORM, 0, false},
	{"80f198ee56343ba864fe8b2a57d3eff-" SPAN "-1", FORM, 0, false},
	{"80F198ee56343ba864fe8b2a57d3eff7-" SPAN "-1", FORM, 0, false},
	{LONG "-E457b5a2e4d86bd1-1", FORM, 0, false},
	{LONG "-e457b5a2e4d86bd-1", FORM, 0, false},
	{LONG "-e457b5a2e4d86bd1a-1", FORM, 0, false},
	/* white space stands around the value, not around its parts */
	{SHORT "                -" SPAN "-1", FORM, 0, false},
	{LONG "- 457b5a2e4d86bd1-1", FORM, 0, false},
	{LONG "-" SPAN "-1- 5e3ac9a4f6e3b90", FORM, 0, false},
	{LONG "-" SPAN " -1", FORM, 0, false},
	{ZERO16 ZERO16 "-" SPAN "-1", ZERO, 0, false},
	{ZERO16 "-" SPAN "-1", ZERO, 0, false},
	{LONG "-" ZERO16 "-1", ZERO, 0, false},
};

static int parse(const char *text, size_t len, struct span_context *out, enum b3_sampling *sampling)
{
	char *copy = guard_copy(text, len);
	int result = b3_parse(copy, len, out, sampling);

	guard_free(copy, len);
	return result;
}

static void test_single(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++) {
		struct span_context untouched, out;
		enum b3_sampling sampling = (enum b3_sampling)7;
		int result;

		memset(&untouched, 0xa5, sizeof(untouched));
		out = untouched;
		result = parse(singles[i].text, strlen(singles[i].text), &out, &sampling);
		check(singles[i].text, result, singles[i].want);
		if (result) {
			assert_memory_equal(&out, &untouched, sizeof(out));
			assert_int_equal(sampling, 7);
			continue;
		}
		assert_int_equal(sampling, singles[i].sampling);
		assert_int_equal(span_context_valid(&out), singles[i].ids);
		assert_int_equal(out.flags, sampling == B3_ACCEPT ? CONTEXT_SAMPLED : 0);
	}
}

static void test_values(void **state)
{
	static const uint8_t trace[] = {0x80, 0xf1, 0x98, 0xee, 0x56, 0x34, 0x3b, 0xa8,
					0x64, 0xfe, 0x8b, 0x2a, 0x57, 0xd3, 0xef, 0xf7};
	static const uint8_t padded[] = {0,    0,    0,    0,    0,    0,    0,    0,
					 0x64, 0xfe, 0x8b, 0x2a, 0x57, 0xd3, 0xef, 0xf7};
	static const uint8_t span[] = {0xe4, 0x57, 0xb5, 0xa2, 0xe4, 0xd8, 0x6b, 0xd1};
	char text[CONTEXT_B3_LEN];
	struct span_context out;
	enum b3_sampling sampling;

	(void)state;
	assert_int_equal(parse(LONG "-" SPAN "-d-" PARENT, 68, &out, &sampling), 0);
	assert_memory_equal(out.trace_id, trace, sizeof(trace));
	assert_memory_equal(out.span_id, span, sizeof(span));
	b3_format(&out, text);
	assert_memory_equal(text, LONG "-" SPAN "-1", sizeof(text));
	assert_int_equal(parse(SHORT "-" SPAN "-0", 35, &out, &sampling), 0);
	assert_memory_equal(out.trace_id, padded, sizeof(padded));
	assert_memory_equal(out.span_id, span, sizeof(span));
	out.flags = CONTEXT_RANDOM;
	b3_format(&out, text);
	assert_memory_equal(text, ZERO16 SHORT "-" SPAN "-0", sizeof(text));
}

static void test_every_shorter_input(void **state)
{
	static const char text[] = LONG "-" SPAN "-1-" PARENT;
	struct span_context out;
	enum b3_sampling sampling;

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		bool want = len == 49 || len == 51 || len == 68;

		assert_int_equal(parse(text, len, &out, &sampling) == 0, want);
	}
}

static const struct {
	enum context_field field;
	const char *text;
	enum context_refusal want;
	enum b3_sampling sampling;
} multis[] = {
	{FIELD_B3_TRACE_ID, LONG, OK, 0},
	{FIELD_B3_TRACE_ID, SHORT, OK, 0},
	{FIELD_B3_TRACE_ID, " " SHORT "\t", OK, 0},
	{FIELD_B3_TRACE_ID, ZERO16 SHORT, OK, 0},
	{FIELD_B3_TRACE_ID, ZERO16 ZERO16, ZERO, 0},
	{FIELD_B3_TRACE_ID, ZERO16, ZERO, 0},
	{FIELD_B3_TRACE_ID, "", FORM, 0},
	{FIELD_B3_TRACE_ID, "0", FORM, 0},
	{FIELD_B3_TRACE_ID, LONG "0", FORM, 0},
	{FIELD_B3_TRACE_ID, SHORT "00", FORM, 0},
	{FIELD_B3_TRACE_ID, "80F198EE56343BA864FE8B2A57D3EFF7", FORM, 0},
	{FIELD_B3_SPAN_ID, SPAN, OK, 0},
	{FIELD_B3_SPAN_ID, "\t" SPAN " ", OK, 0},
	{FIELD_B3_SPAN_ID, ZERO16, ZERO, 0},
	{FIELD_B3_SPAN_ID, LONG, FORM, 0},
	{FIELD_B3_SPAN_ID, "", FORM, 0},
	{FIELD_B3_SPAN_ID, "e457b5a2e4d86bd", FORM, 0},
	{FIELD_B3_SPAN_ID, "e457b5a2e4d86bdg", FORM, 0},
	{FIELD_B3_PARENT_ID, PARENT, OK, 0},
	{FIELD_B3_PARENT_ID, ZERO16, OK, 0},
	{FIELD_B3_PARENT_ID, "", FORM, 0},
	{FIELD_B3_PARENT_ID, "x", FORM, 0},
	{FIELD_B3_SAMPLED, "1", OK, B3_ACCEPT},
	{FIELD_B3_SAMPLED, "0", OK, B3_DENY},
	{FIELD_B3_SAMPLED, "true", OK, B3_ACCEPT},
	{FIELD_B3_SAMPLED, " false ", OK, B3_DENY},
	{FIELD_B3_SAMPLED, "d", FORM, 0},
	{FIELD_B3_SAMPLED, "", FORM, 0},
	{FIELD_B3_SAMPLED, "2", FORM, 0},
	{FIELD_B3_SAMPLED, "True", FORM, 0},
	{FIELD_B3_SAMPLED, "10", FORM, 0},
	{FIELD_B3_FLAGS, "1", OK, B3_ACCEPT},
	{FIELD_B3_FLAGS, "0", OK, B3_DEFER},
	{FIELD_B3_FLAGS, "18446744073709551615", OK, B3_DEFER},
	{FIELD_B3_FLAGS, "184467440737095516150", FORM, 0},
	{FIELD_B3_FLAGS, "", FORM, 0},
	{FIELD_B3_FLAGS, "d", FORM, 0},
	{FIELD_B3_FLAGS, "-1", FORM, 0},
};

static void test_multi(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(multis); i++) {
		size_t len = strlen(multis[i].text);
		char *copy = guard_copy(multis[i].text, len);
		enum b3_sampling sampling = multis[i].sampling;
		uint8_t id[CONTEXT_TRACE_ID_LEN], untouched[CONTEXT_TRACE_ID_LEN];
		int result = 1;

		memset(untouched, 0xa5, sizeof(untouched));
		memcpy(id, untouched, sizeof(id));
		if (multis[i].field == FIELD_B3_TRACE_ID)
			result = b3_trace_id_parse(copy, len, id);
		else if (multis[i].field == FIELD_B3_SPAN_ID)
			result = b3_span_id_parse(copy, len, id);
		else if (multis[i].field == FIELD_B3_PARENT_ID)
			result = b3_parent_id_check(copy, len);
		else if (multis[i].field == FIELD_B3_SAMPLED)
			result = b3_sampled_parse(copy, len, &sampling);
		else if (multis[i].field == FIELD_B3_FLAGS)
			result = b3_flags_parse(copy, len, &sampling);
		check(multis[i].text, result, multis[i].want);
		assert_int_equal(sampling, multis[i].sampling);
		if (result)
			assert_memory_equal(id, untouched, sizeof(id));
		guard_free(copy, len);
	}
}

static void test_short_trace_id_is_padded(void **state)
{
	static const uint8_t want[] = {0,    0,    0,    0,    0,    0,    0,    0,
				       0x64, 0xfe, 0x8b, 0x2a, 0x57, 0xd3, 0xef, 0xf7};
	uint8_t id[CONTEXT_TRACE_ID_LEN];

	(void)state;
	memset(id, 0xa5, sizeof(id));
	assert_int_equal(b3_trace_id_parse(SHORT, 16, id), 0);
	assert_memory_equal(id, want, sizeof(id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_every_shorter_input),
		cmocka_unit_test(test_multi),
		cmocka_unit_test(test_short_trace_id_is_padded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
