/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to lower-case hex and back, by table: ids are written on every request that leaves. Every
 * room may include this file; it keeps nothing but constants and never accepts upper case, which
 * trace context and B3 both forbid.
 *
 * Context: any thread, signal-safe, no locks.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* "000102...ff". A literal, not an array: the linker keeps one copy for all files that use it. */
/* clang-format off */
#define HEX_ROW(h) \
	h "0" h "1" h "2" h "3" h "4" h "5" h "6" h "7" \
	h "8" h "9" h "a" h "b" h "c" h "d" h "e" h "f"
#define HEX_PAIRS \
	HEX_ROW("0") HEX_ROW("1") HEX_ROW("2") HEX_ROW("3") \
	HEX_ROW("4") HEX_ROW("5") HEX_ROW("6") HEX_ROW("7") \
	HEX_ROW("8") HEX_ROW("9") HEX_ROW("a") HEX_ROW("b") \
	HEX_ROW("c") HEX_ROW("d") HEX_ROW("e") HEX_ROW("f")
/* clang-format on */

/* A digit's value plus 1; 0 for everything that is no lower-case hex digit. */
static const uint8_t hex_values[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/** Writes 2 * @len digits to @out, without a NUL, and returns the position behind them. */
static inline char *hex_encode(char *out, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;
	const char *pairs = HEX_PAIRS;

	for (size_t i = 0; i < len; i++)
		memcpy(out + 2 * i, pairs + 2 * (size_t)in[i], 2);
	return out + 2 * len;
}

/**
 * Reads 2 * @len digits into @len bytes. False when one of them is no lower-case hex digit; then
 * the bytes mean nothing.
 */
static inline bool hex_decode(void *out, const char *digits, size_t len)
{
	uint8_t *to = out;
	unsigned int bad = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned int high = hex_values[(uint8_t)digits[2 * i]] - 1u;
		unsigned int low = hex_values[(uint8_t)digits[2 * i + 1]] - 1u;

		bad |= high | low;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return bad <= 15;
}

#endif
