/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few rules that the carriers share. Included by this room's .c files only.
 */
#ifndef CONTEXT_TEXT_H
#define CONTEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Bytes of somebody else's header; not terminated. */
struct text {
	const char *at;
	size_t len;
};

/** True for the ids that mean "none". */
static inline bool id_is_zero(const uint8_t *id, size_t len)
{
	unsigned int any = 0;

	for (size_t i = 0; i < len; i++)
		any |= id[i];
	return any == 0;
}

/** OWS of RFC 9110 5.6.3: space or tab. */
static inline bool text_is_space(char c)
{
	return c == ' ' || c == '\t';
}

/** @t without the white space around it. */
static inline struct text text_trim(struct text t)
{
	while (t.len && text_is_space(t.at[0])) {
		t.at++;
		t.len--;
	}
	while (t.len && text_is_space(t.at[t.len - 1]))
		t.len--;
	return t;
}

/**
 * Moves what stands before the first @separator from *rest to *head, and drops the separator.
 * Without one, *head gets everything and the result is false: there is no further part.
 */
static inline bool text_cut(struct text *rest, char separator, struct text *head)
{
	const char *hit = rest->len ? memchr(rest->at, separator, rest->len) : NULL;

	*head = *rest;
	rest->len = 0;
	if (!hit)
		return false;
	rest->len = head->len;
	head->len = (size_t)(hit - head->at);
	rest->at = hit + 1;
	rest->len -= head->len + 1;
	return true;
}

#endif
