/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and addresses as text: the cases of RFC 5952, and against libc for random ones. Nothing
 * is written behind the length that is returned.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"

static void test_numbers(void **state)
{
	static const uint64_t edges[] = {0, 1, 9, 10, 99, 100, INT64_MAX, UINT32_MAX, UINT64_MAX};
	char text[NUMBER_TEXT_MAX + 1], expect[32];

	(void)state;
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]) + 64; i++) {
		size_t n = sizeof(edges) / sizeof(edges[0]);
		uint64_t value = i < n ? edges[i] : (1ull << (i - n)) - (i & 1);
		int len = snprintf(expect, sizeof(expect), "%" PRIu64, value);

		memset(text, '#', sizeof(text));
		assert_int_equal(number_format(value, text), len);
		assert_memory_equal(text, expect, (size_t)len);
		assert_int_equal(text[len], '#');
	}
}

static void test_v4(void **state)
{
	static const struct {
		uint8_t ip[4];
		const char *text;
	} cases[] = {
		{{0, 0, 0, 0}, "0.0.0.0"},
		{{127, 0, 0, 1}, "127.0.0.1"},
		{{9, 10, 99, 100}, "9.10.99.100"},
		{{255, 255, 255, 255}, "255.255.255.255"},
	};
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(text, '#', sizeof(text));
		assert_int_equal(address_format_v4(cases[i].ip, text), strlen(cases[i].text));
		assert_memory_equal(text, cases[i].text, strlen(cases[i].text));
		assert_int_equal(text[strlen(cases[i].text)], '#');
	}
}

static void expect_v6(const uint8_t *ip, const char *expect)
{
	char text[ADDRESS_TEXT_MAX];
	size_t len;

	memset(text, '#', sizeof(text));
	len = address_format_v6(ip, text);
	if (len != strlen(expect) || memcmp(text, expect, len))
		fail_msg("%.*s instead of %s", (int)len, text, expect);
	assert_int_equal(text[len], '#');
}

/* Left: any spelling. Right: the one of RFC 5952. */
static void test_v6(void **state)
{
	static const char *const cases[][2] = {
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"1:0:0:0:0:0:0:1", "1::1"},
		/* 4.1: no leading zeros; 4.3: lower case */
		{"2001:0DB8:0:00a0::0FFF", "2001:db8:0:a0::fff"},
		{"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789",
		 "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
		/* 4.2.1: as short as can be; 4.2.2: not for one group */
		{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"},
		{"1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"},
		/* 4.2.3: the longest run, the first of equals */
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"0:0:1:0:0:0:1:1", "0:0:1::1:1"},
		{"0:0:1:1:1:1:0:0", "::1:1:1:1:0:0"},
		{"1:1:1:1:1:1:0:0", "1:1:1:1:1:1::"},
		{"0:0:1:1:1:1:1:1", "::1:1:1:1:1:1"},
		{"0:0:0:1:0:0:0:0", "0:0:0:1::"},
		/* 5: a mapped address is an IPv4 peer to people; others that end in one are not */
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"::ffff:0.0.0.0", "0.0.0.0"},
		{"::192.0.2.1", "::c000:201"},
		{"::fffe:192.0.2.1", "::fffe:c000:201"},
		{"1::ffff:192.0.2.1", "1::ffff:c000:201"},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
		{"fe80::1", "fe80::1"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	uint8_t ip[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(inet_pton(AF_INET6, cases[i][0], ip), 1);
		expect_v6(ip, cases[i][1]);
	}
}

/* What is written reads back as the same address, and no spelling is shorter than libc's. */
static void test_v6_all_runs(void **state)
{
	(void)state;
	for (unsigned int zero = 0; zero < 256; zero++) {
		char text[ADDRESS_TEXT_MAX] = "", theirs[INET6_ADDRSTRLEN];
		uint8_t ip[16], back[16];

		for (int i = 0; i < 8; i++) {
			ip[2 * i] = zero >> i & 1 ? 0 : 0x12;
			ip[2 * i + 1] = zero >> i & 1 ? 0 : (uint8_t)(0x30 + i);
		}
		text[address_format_v6(ip, text)] = 0;
		assert_int_equal(inet_pton(AF_INET6, text, back), 1);
		assert_memory_equal(ip, back, sizeof(ip));
		/* libc writes IPv4-compatible ones, ::a.b.c.d, the old way */
		if ((zero & 0x3f) != 0x3f && inet_ntop(AF_INET6, ip, theirs, sizeof(theirs)))
			assert_string_equal(text, theirs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_v4),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_v6_all_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
