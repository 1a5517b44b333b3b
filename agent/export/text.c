/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text between records, OTLP, settings and terminals; see text.h.
 */
#include <string.h>

#include "export/text.h"

#define REPLACEMENT "\xef\xbf\xbd"	/* U+FFFD */
#define REPLACEMENT_LEN 3

static bool continues(const unsigned char *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if ((s[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t text_utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;	/* what the second byte may be */
	size_t n;

	if (!len)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	if (s[0] == 0xed)
		high = 0x9f;
	if (s[0] == 0xf0)
		low = 0x90;
	if (s[0] == 0xf4)
		high = 0x8f;
	if (len < n || s[1] < low || s[1] > high || !continues(s, 2, n))
		return 0;
	return n;
}

char *text_copy(struct arena *a, const char *s, size_t len)
{
	char *out = arena_get(a, len * REPLACEMENT_LEN + 1);
	char *at = out;
	size_t n;

	for (size_t i = 0; i < len; i += n ? n : 1) {
		n = s[i] ? text_utf8_length(s + i, len - i) : 0;
		if (n)
			memcpy(at, s + i, n);
		else
			memcpy(at, REPLACEMENT, REPLACEMENT_LEN);
		at += n ? n : REPLACEMENT_LEN;
	}
	*at = '\0';
	return out;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t text_percent_decode(const char *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%' && len - i > 2 && hex_digit(s[i + 1]) >= 0 &&
		    hex_digit(s[i + 2]) >= 0) {
			out[n++] = (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]));
			i += 2;
		} else {
			out[n++] = s[i];
		}
	}
	return n;
}

char *text_decode(struct arena *a, const char *s, size_t len)
{
	char *plain = arena_get(a, len);

	return text_copy(a, plain, text_percent_decode(s, len, plain));
}

void text_print(FILE *f, const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	for (size_t i = 0; u[i]; i++) {
		if (u[i] < 0x20 || u[i] == 0x7f) {
			fprintf(f, "\\x%02x", u[i]);
		} else if (u[i] == 0xc2 && u[i + 1] >= 0x80 && u[i + 1] < 0xa0) {
			fprintf(f, "\\x%02x", u[i + 1]);
			i++;
		} else {
			putc(u[i], f);
		}
	}
}

void text_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

bool text_unhex(const char *s, uint8_t *out, size_t len)
{
	if (strlen(s) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (hex_digit(s[2 * i]) < 0 || hex_digit(s[2 * i + 1]) < 0)
			return false;
		out[i] = (uint8_t)(hex_digit(s[2 * i]) << 4 | hex_digit(s[2 * i + 1]));
	}
	return true;
}

bool text_all_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}
