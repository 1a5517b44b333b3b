/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values that settings can have: booleans, sizes, ratios, lists of pairs. Pure functions
 * without libc's number parsing, which depends on the program's locale. Called by config.c,
 * carry/ and export/.
 */
#include <errno.h>
#include <string.h>

#include "config/config.h"

#define DIGITS_MAX 18			/* as many decimal digits as surely fit 64 bits */

bool config_text_is(const char *text, const char *lower)
{
	for (; *text && *lower; text++, lower++) {
		char c = *text >= 'A' && *text <= 'Z' ? (char)(*text + ('a' - 'A')) : *text;

		if (c != *lower)
			return false;
	}
	return !*text && !*lower;
}

int config_parse_bool(const char *text, bool *out)
{
	*out = config_text_is(text, "true");
	return *out || config_text_is(text, "false") ? 0 : -EINVAL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int config_parse_size(const char *text, uint64_t *out)
{
	static const char units[] = "kmg";
	uint64_t n = 0;
	unsigned int digits = 0, shift = 0;

	for (; is_digit(*text); text++) {
		if (++digits > DIGITS_MAX)
			return -EINVAL;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	if (!digits)
		return -EINVAL;
	if (*text) {
		const char *unit = memchr(units, *text | 0x20, sizeof(units) - 1);

		if (!unit || text[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (n > UINT64_MAX >> shift)
		return -EINVAL;
	*out = n << shift;
	return 0;
}

/* "e-3": what the exponent adds to the decimal point's place. Returns where it ends, or NULL. */
static const char *parse_exponent(const char *text, int *scale)
{
	int sign = 1, n = 0, digits = 0;

	if (*text == '-' || *text == '+')
		sign = *text++ == '-' ? -1 : 1;
	for (; is_digit(*text); text++, digits++)
		n = n < 1000 ? n * 10 + (*text - '0') : n;
	*scale += sign * n;
	return digits ? text : NULL;
}

int config_parse_ratio(const char *text, uint64_t *bound)
{
	uint64_t n = 0;
	int digits = 0, scale = 0;
	bool point = false;
	double ratio;

	for (; is_digit(*text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digits++;
		if (n < 10000000000000000u) {
			n = n * 10 + (uint64_t)(*text - '0');
			scale -= point;
		} else {
			scale += !point;	/* a digit that no double can hold */
		}
	}
	if (digits && (*text | 0x20) == 'e')
		text = parse_exponent(text + 1, &scale);
	if (!digits || !text || *text)
		return -EINVAL;
	ratio = (double)n;
	for (; scale < 0 && ratio > 0; scale++)
		ratio /= 10;
	for (; scale > 0 && ratio <= 1 && ratio > 0; scale--)
		ratio *= 10;
	if (ratio > 1)
		return -EINVAL;
	*bound = (uint64_t)(ratio * (double)CONFIG_RATIO_ONE);
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* White space around [*at, *at + *len) is left out. */
static void trim(const char **at, size_t *len)
{
	while (*len && is_space((*at)[*len - 1]))
		--*len;
	while (*len && is_space(**at)) {
		++*at;
		--*len;
	}
}

bool config_next_pair(const char **list, struct config_pair *out)
{
	const char *at = *list;

	while (*at) {
		const char *end = at, *equals;

		while (*end && *end != ',')
			end++;
		equals = memchr(at, '=', (size_t)(end - at));

		if (equals) {
			out->key = at;
			out->key_len = (size_t)(equals - at);
			out->value = equals + 1;
			out->value_len = (size_t)(end - equals - 1);
			trim(&out->key, &out->key_len);
			trim(&out->value, &out->value_len);
		}
		at = *end ? end + 1 : end;
		*list = at;
		if (equals && out->key_len)
			return true;
	}
	return false;
}
