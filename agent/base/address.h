/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and network addresses as text, without stdio. Context: any thread, signal-safe.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT_MAX 46 /* INET6_ADDRSTRLEN */
#define NUMBER_TEXT_MAX  20

/** Writes @value in decimal, no NUL; returns the length (1 to NUMBER_TEXT_MAX). */
size_t number_format(uint64_t value, char *out);

/** Dotted decimal of 4 bytes; returns the length. */
size_t address_format_v4(const uint8_t *ip, char *out);

/** RFC 5952 text of 16 bytes (IPv4-mapped ones as their IPv4 address); returns the length. */
size_t address_format_v6(const uint8_t *ip, char *out);

#endif
