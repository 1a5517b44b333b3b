/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as it comes out of records - any bytes - made fit for where it goes: OTLP wants UTF-8, a
 * terminal wants no control characters, settings are percent-encoded.
 */
#ifndef EXPORT_TEXT_H
#define EXPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "export/memory.h"

/**
 * Length of the well-formed UTF-8 sequence (RFC 3629) at @text, or 0. No overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */
size_t text_utf8_length(const char *text, size_t len);

/** A NUL-terminated copy of @s in which NULs and malformed bytes became U+FFFD. */
char *text_copy(struct arena *a, const char *s, size_t len);

/** The same, percent-decoded first (RFC 3986 2.1); a '%' without two hex digits stays as it is. */
char *text_decode(struct arena *a, const char *s, size_t len);

/**
 * Decodes in place of @out (at least @len bytes) and returns the length; any bytes may come out.
 */
size_t text_percent_decode(const char *s, size_t len, char *out);

/**
 * Prints @s with control characters (C0, DEL, C1) as \xNN: no escape sequence reaches a terminal.
 */
void text_print(FILE *f, const char *s);

/** Lower-case hex of @len bytes and a NUL into @out (2 * @len + 1 bytes). */
void text_hex(const uint8_t *bytes, size_t len, char *out);

/** Parses exactly 2 * @len hex digits, any case. */
bool text_unhex(const char *s, uint8_t *out, size_t len);

bool text_all_zero(const uint8_t *bytes, size_t len);

#endif
