/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traceparent, field by field, with the cases of the W3C trace-context test suite; and the hex
 * helper under it. Every input ends at a guard page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/hex.h"
#include "context/context.h"
#include "tests/unit/guard.h"

#define TRACE "12345678901234567890123456789012"
#define SPAN  "1234567890123456"
#define OK    REFUSAL_COUNT

static const struct {
	const char *text;
	enum context_refusal want;
	uint8_t flags;
} cases[] = {
	{"00-" TRACE "-" SPAN "-01", OK, 1},
	{"00-" TRACE "-" SPAN "-00", OK, 0},
	{"00-" TRACE "-" SPAN "-02", OK, 2},
	{"00-" TRACE "-" SPAN "-ff", OK, 0xff},
	{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", OK, 3},
	{"00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-09", OK, 9},
	{"00-00000000000000000000000000000001-0000000000000001-00", OK, 0},
	/* version 00: nothing may follow */
	{"00-" TRACE "-" SPAN "-01.", REFUSAL_PARENT_LENGTH, 0},
	{"00-" TRACE "-" SPAN "-01-", REFUSAL_PARENT_LENGTH, 0},
	{"00-" TRACE "-" SPAN "-01-what-the-future-will-be-like", REFUSAL_PARENT_LENGTH, 0},
	/* later versions: what follows stands behind a dash */
	{"cc-" TRACE "-" SPAN "-01", OK, 1},
	{"01-" TRACE "-" SPAN "-00", OK, 0},
	{"fe-" TRACE "-" SPAN "-01", OK, 1},
	{"cc-" TRACE "-" SPAN "-01-", OK, 1},
	{"cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like", OK, 1},
	{"cc-" TRACE "-" SPAN "-01.what-the-future-will-be-like", REFUSAL_PARENT_FORM, 0},
	{"cc-" TRACE "-" SPAN "-011", REFUSAL_PARENT_FORM, 0},
	{"cc-" TRACE "-" SPAN "-1", REFUSAL_PARENT_LENGTH, 0},
	/* version */
	{"ff-" TRACE "-" SPAN "-01", REFUSAL_PARENT_VERSION, 0},
	{"ff-" TRACE "-" SPAN "-01-more", REFUSAL_PARENT_VERSION, 0},
	{".0-" TRACE "-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"0.-" TRACE "-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"CC-" TRACE "-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"000-" TRACE "-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"0000-" TRACE "-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"0-" TRACE "-" SPAN "-01", REFUSAL_PARENT_LENGTH, 0},
	/* trace id */
	{"00-00000000000000000000000000000000-" SPAN "-01", REFUSAL_PARENT_ZERO, 0},
	{"00-.2345678901234567890123456789012-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"00-1234567890123456789012345678901.-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"00-1234567890123456789012345678901A-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "3-" SPAN "-01", REFUSAL_PARENT_LENGTH, 0},
	{"cc-" TRACE "3-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"00-1234567890123456789012345678901-" SPAN "-01", REFUSAL_PARENT_LENGTH, 0},
	/* parent id */
	{"00-" TRACE "-0000000000000000-01", REFUSAL_PARENT_ZERO, 0},
	{"00-" TRACE "-.234567890123456-01", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "-123456789012345.-01", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "-12345678901234567-01", REFUSAL_PARENT_LENGTH, 0},
	{"00-" TRACE "-123456789012345-01", REFUSAL_PARENT_LENGTH, 0},
	{"00-" TRACE "-123456789012345F-01", REFUSAL_PARENT_FORM, 0},
	/* flags */
	{"00-" TRACE "-" SPAN "-.0", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "-" SPAN "-0.", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "-" SPAN "-0A", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "-" SPAN "-001", REFUSAL_PARENT_LENGTH, 0},
	{"00-" TRACE "-" SPAN "-1", REFUSAL_PARENT_LENGTH, 0},
	/* dashes */
	{"00_" TRACE "-" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "_" SPAN "-01", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "-" SPAN "_01", REFUSAL_PARENT_FORM, 0},
	/* optional white space; none inside, and no other kind */
	{" 00-" TRACE "-" SPAN "-01", OK, 1},
	{"\t00-" TRACE "-" SPAN "-01", OK, 1},
	{"00-" TRACE "-" SPAN "-01 ", OK, 1},
	{"00-" TRACE "-" SPAN "-01\t", OK, 1},
	{"\t 00-" TRACE "-" SPAN "-01 \t", OK, 1},
	{"00-" TRACE "-" SPAN "- 1", REFUSAL_PARENT_FORM, 0},
	{"00-" TRACE "-" SPAN "-01\r", REFUSAL_PARENT_LENGTH, 0},
	{"00-" TRACE "-" SPAN "-01\n", REFUSAL_PARENT_LENGTH, 0},
	/* next to nothing */
	{"", REFUSAL_PARENT_LENGTH, 0},
	{" \t ", REFUSAL_PARENT_LENGTH, 0},
	{"00-", REFUSAL_PARENT_LENGTH, 0},
};

static int parse(const char *text, size_t len, struct span_context *out)
{
	char *copy = guard_copy(text, len);
	int result = traceparent_parse(copy, len, out);

	guard_free(copy, len);
	return result;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct span_context untouched, out;
		int result;

		memset(&untouched, 0xa5, sizeof(untouched));
		out = untouched;
		result = parse(cases[i].text, strlen(cases[i].text), &out);
		if (result != (cases[i].want == OK ? 0 : context_refuse(cases[i].want)))
			fail_msg("\"%s\": got %d", cases[i].text, result);
		if (result) {
			assert_true(context_refused(result) == cases[i].want);
			assert_memory_equal(&out, &untouched, sizeof(out));
		} else {
			assert_int_equal(out.flags, cases[i].flags);
			assert_true(span_context_valid(&out));
		}
	}
}

static void test_every_shorter_input(void **state)
{
	static const char text[] = "00-" TRACE "-" SPAN "-01";
	struct span_context out;

	(void)state;
	for (size_t len = 0; len < CONTEXT_TRACEPARENT_LEN; len++)
		assert_int_equal(parse(text, len, &out), context_refuse(REFUSAL_PARENT_LENGTH));
	assert_int_equal(parse(text, CONTEXT_TRACEPARENT_LEN, &out), 0);
}

/* Any one byte replaced by any other is refused unless it is another lower-case digit. */
static void test_every_replaced_byte(void **state)
{
	static const char text[] = "00-" TRACE "-" SPAN "-01";
	struct span_context out;
	char copy[CONTEXT_TRACEPARENT_LEN];

	(void)state;
	for (size_t at = 0; at < sizeof(copy); at++) {
		for (int c = 0; c < 256; c++) {
			bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			bool want = text[at] == '-' ? c == '-' : digit;

			memcpy(copy, text, sizeof(copy));
			copy[at] = (char)c;
			assert_int_equal(traceparent_parse(copy, sizeof(copy), &out) == 0, want);
		}
	}
}

static void test_values(void **state)
{
	static const char text[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	static const uint8_t trace[] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
					0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c};
	static const uint8_t span[] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
	struct span_context out;
	char *page = guard_copy(NULL, 0);
	char *again = page - CONTEXT_TRACEPARENT_LEN;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &out), 0);
	assert_memory_equal(out.trace_id, trace, sizeof(trace));
	assert_memory_equal(out.span_id, span, sizeof(span));
	assert_int_equal(out.flags, CONTEXT_SAMPLED);
	traceparent_format(&out, again);
	assert_memory_equal(again, text, CONTEXT_TRACEPARENT_LEN);
	guard_free(page, 0);
}

static void test_format_masks_flags(void **state)
{
	struct span_context span;
	char out[CONTEXT_TRACEPARENT_LEN];

	(void)state;
	assert_int_equal(parse("cc-" TRACE "-" SPAN "-ff-later", 61, &span), 0);
	traceparent_format(&span, out);
	assert_memory_equal(out, "00-" TRACE "-" SPAN "-03", sizeof(out));
	span.flags = 0xfc;
	traceparent_format(&span, out);
	assert_memory_equal(out, "00-" TRACE "-" SPAN "-00", sizeof(out));
}

static void test_valid_needs_both_ids(void **state)
{
	struct span_context span = {.flags = 1};

	(void)state;
	assert_false(span_context_valid(&span));
	span.trace_id[15] = 1;
	assert_false(span_context_valid(&span));
	span.span_id[0] = 0x80;
	assert_true(span_context_valid(&span));
	span.trace_id[15] = 0;
	assert_false(span_context_valid(&span));
}

static void test_hex(void **state)
{
	(void)state;
	for (unsigned int byte = 0; byte < 256; byte++) {
		char digits[3] = "..", want[3];
		uint8_t in = (uint8_t)byte, back = (uint8_t)~byte;

		snprintf(want, sizeof(want), "%02x", byte);
		assert_ptr_equal(hex_encode(digits, &in, 1), digits + 2);
		assert_string_equal(digits, want);
		assert_true(hex_decode(&back, digits, 1));
		assert_int_equal(back, byte);
		/* The same byte as a digit, on either side. */
		digits[0] = (char)byte;
		digits[1] = '0';
		assert_int_equal(hex_decode(&back, digits, 1),
				 byte && strchr("0123456789abcdef", (int)byte));
		digits[1] = (char)byte;
		digits[0] = 'f';
		assert_int_equal(hex_decode(&back, digits, 1),
				 byte && strchr("0123456789abcdef", (int)byte));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_every_shorter_input),
		cmocka_unit_test(test_every_replaced_byte),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_format_masks_flags),
		cmocka_unit_test(test_valid_needs_both_ids),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
