/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hex: every byte both ways, every pair of characters read against a plain rule, nothing touched
 * beside the bytes asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "tests/unit/guard.h"

static void test_encode(void **state)
{
	char out[6], expect[8];

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t bytes[2] = {(uint8_t)i, (uint8_t)(255 - i)};

		memset(out, '#', sizeof(out));
		snprintf(expect, sizeof(expect), "%02x%02x", i, 255 - i);
		assert_ptr_equal(hex_encode(out, bytes, 2), out + 4);
		assert_memory_equal(out, expect, 4);
		assert_memory_equal(out + 4, "##", 2);
	}
	assert_ptr_equal(hex_encode(out, "", 0), out);
}

static int digit(unsigned int c)
{
	const char *at = c ? strchr("0123456789abcdef", (int)c) : NULL;

	return at ? (int)(at - "0123456789abcdef") : -1;
}

/* All 65536 pairs, as the first and as the last of three bytes, in front of a guard page. */
static void test_decode(void **state)
{
	char *digits = guard_copy("000000", 6);

	(void)state;
	for (unsigned int pair = 0; pair < 65536; pair++) {
		int high = digit(pair >> 8), low = digit(pair & 255);

		for (int at = 0; at < 6; at += 4) {
			uint8_t out[4] = {1, 2, 3, 4};
			bool ok;

			memset(digits, '7', 6);
			digits[at] = (char)(pair >> 8);
			digits[at + 1] = (char)pair;
			ok = hex_decode(out, digits, 3);
			assert_int_equal(ok, high >= 0 && low >= 0);
			assert_int_equal(out[3], 4);
			if (!ok)
				continue;
			assert_int_equal(out[at / 2], high << 4 | low);
			assert_int_equal(out[1], 0x77);
			assert_int_equal(out[2 - at / 2], 0x77);
		}
	}
	guard_free(digits, 6);
}

static void test_nothing(void **state)
{
	uint8_t out = 7;

	(void)state;
	assert_true(hex_decode(&out, "zz", 0));
	assert_int_equal(out, 7);
}

/* Upper case is malformed in traceparent and b3. */
static void test_upper_case(void **state)
{
	uint8_t out[2];

	(void)state;
	assert_true(hex_decode(out, "abcd", 2));
	assert_false(hex_decode(out, "aBcd", 2));
	assert_false(hex_decode(out, "abcD", 2));
	assert_false(hex_decode(out, "ab d", 2));
	assert_false(hex_decode(out, "abg0", 2));
	assert_false(hex_decode(out, "ab`0", 2));
	assert_false(hex_decode(out, "ab/:", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_upper_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
