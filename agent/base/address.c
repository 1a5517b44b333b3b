/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and network addresses as text. See address.h.
 */
#include "base/address.h"

#include <string.h>

size_t number_format(uint64_t value, char *out)
{
	char digits[NUMBER_TEXT_MAX];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (size_t i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	return n;
}

size_t address_format_v4(const uint8_t *ip, char *out)
{
	size_t n = 0;

	for (int i = 0; i < 4; i++) {
		if (i)
			out[n++] = '.';
		n += number_format(ip[i], out + n);
	}
	return n;
}

static size_t hex_format(unsigned int group, char *out)
{
	size_t n = 0;

	for (int shift = 12; shift >= 0; shift -= 4)
		if (n || group >> shift & 15 || !shift)
			out[n++] = "0123456789abcdef"[group >> shift & 15];
	return n;
}

/* The longest run of at least two zero groups, the first of equals: RFC 5952 section 4.2. */
static void longest_zeros(const unsigned int *group, int *first, int *count)
{
	*first = -1;
	*count = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !group[i + n])
			n++;
		if (n > *count) {
			*first = i;
			*count = n;
		}
		if (n)
			i += n - 1;
	}
}

size_t address_format_v6(const uint8_t *ip, char *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned int group[8];
	int first, count;
	size_t n = 0;

	if (!memcmp(ip, mapped, sizeof(mapped)))
		return address_format_v4(ip + 12, out);
	for (int i = 0; i < 8; i++)
		group[i] = (unsigned int)ip[2 * i] << 8 | ip[2 * i + 1];
	longest_zeros(group, &first, &count);
	for (int i = 0; i < 8; i++) {
		if (i == first) {
			out[n++] = ':';
			out[n++] = ':';
			i += count - 1;
			continue;
		}
		if (n && out[n - 1] != ':')
			out[n++] = ':';
		n += hex_format(group[i], out + n);
	}
	return n;
}
