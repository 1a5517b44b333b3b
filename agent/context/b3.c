/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B3, the headers of Zipkin (github.com/openzipkin/b3-propagation): one header `b3`, or several
 * that begin with X-B3-. Called by carrier.c and inject.c. Which header counts when several
 * disagree is decided in carrier.c, not here.
 */
#include "context/context.h"

#include <string.h>

#include "base/hex.h"
#include "context/text.h"

#define TRACE_DIGITS (2 * (size_t)CONTEXT_TRACE_ID_LEN)
#define SPAN_DIGITS  (2 * (size_t)CONTEXT_SPAN_ID_LEN)

/* Ids without white space around them: parts of the b3 header must not have any. */
static int parse_trace_id(struct text t, uint8_t *out)
{
	uint8_t id[CONTEXT_TRACE_ID_LEN] = {0};

	if (t.len != TRACE_DIGITS && t.len != TRACE_DIGITS / 2)
		return context_refuse(REFUSAL_B3_FORM);
	if (!hex_decode(id + sizeof(id) - t.len / 2, t.at, t.len / 2))
		return context_refuse(REFUSAL_B3_FORM);
	if (id_is_zero(id, sizeof(id)))
		return context_refuse(REFUSAL_B3_ZERO);
	memcpy(out, id, sizeof(id));
	return 0;
}

static int parse_span_id(struct text t, uint8_t *out)
{
	uint8_t id[CONTEXT_SPAN_ID_LEN];

	if (t.len != SPAN_DIGITS || !hex_decode(id, t.at, sizeof(id)))
		return context_refuse(REFUSAL_B3_FORM);
	if (id_is_zero(id, sizeof(id)))
		return context_refuse(REFUSAL_B3_ZERO);
	memcpy(out, id, sizeof(id));
	return 0;
}

/* Some tracers write an all-zero parent for a root; nothing hangs on it. */
static int check_parent_id(struct text t)
{
	uint8_t id[CONTEXT_SPAN_ID_LEN];

	if (t.len != SPAN_DIGITS || !hex_decode(id, t.at, sizeof(id)))
		return context_refuse(REFUSAL_B3_FORM);
	return 0;
}

int b3_trace_id_parse(const char *s, size_t len, uint8_t *out)
{
	return parse_trace_id(text_trim((struct text){s, len}), out);
}

int b3_span_id_parse(const char *s, size_t len, uint8_t *out)
{
	return parse_span_id(text_trim((struct text){s, len}), out);
}

int b3_parent_id_check(const char *s, size_t len)
{
	return check_parent_id(text_trim((struct text){s, len}));
}

static bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && memcmp(t.at, word, t.len) == 0;
}

int b3_sampled_parse(const char *s, size_t len, enum b3_sampling *out)
{
	struct text t = text_trim((struct text){s, len});

	if (text_is(t, "1") || text_is(t, "true"))
		*out = B3_ACCEPT;
	else if (text_is(t, "0") || text_is(t, "false"))
		*out = B3_DENY;
	else
		return context_refuse(REFUSAL_B3_FORM);
	return 0;
}

int b3_flags_parse(const char *s, size_t len, enum b3_sampling *out)
{
	struct text t = text_trim((struct text){s, len});

	/* 20 digits are the longest 64-bit number: the oldest tracers wrote a bit field here. */
	if (t.len == 0 || t.len > 20)
		return context_refuse(REFUSAL_B3_FORM);
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return context_refuse(REFUSAL_B3_FORM);
	}
	*out = text_is(t, "1") ? B3_ACCEPT : B3_DEFER;
	return 0;
}

/* The sampling state of the b3 header; @t is one of its parts. */
static int parse_state(struct text t, enum b3_sampling *out)
{
	if (t.len != 1 || (t.at[0] != '0' && t.at[0] != '1' && t.at[0] != 'd'))
		return context_refuse(REFUSAL_B3_FORM);
	*out = t.at[0] == '0' ? B3_DENY : B3_ACCEPT;
	return 0;
}

/* What may follow the ids: "-state" or "-state-parent"; a dash announces each. */
static int parse_tail(struct text t, enum b3_sampling *out)
{
	int result;

	if (t.len == 0)
		return 0;
	if (t.len == 1 || t.at[0] != '-' || (t.len > 2 && t.at[2] != '-'))
		return context_refuse(REFUSAL_B3_FORM);
	result = parse_state((struct text){t.at + 1, 1}, out);
	if (result || t.len == 2)
		return result;
	return check_parent_id((struct text){t.at + 3, t.len - 3});
}

/* "trace-span" and what follows. */
static int parse_ids(struct text t, struct span_context *span, enum b3_sampling *state)
{
	bool wide = t.len > TRACE_DIGITS && t.at[TRACE_DIGITS] == '-';
	size_t digits = wide ? TRACE_DIGITS : TRACE_DIGITS / 2;
	size_t ids = digits + 1 + SPAN_DIGITS;
	struct text span_id = {t.at + digits + 1, SPAN_DIGITS};
	int result;

	if (t.len < ids || t.at[digits] != '-')
		return context_refuse(REFUSAL_B3_FORM);
	result = parse_trace_id((struct text){t.at, digits}, span->trace_id);
	if (result == 0)
		result = parse_span_id(span_id, span->span_id);
	return result ? result : parse_tail((struct text){t.at + ids, t.len - ids}, state);
}

int b3_parse(const char *s, size_t len, struct span_context *out, enum b3_sampling *sampling)
{
	struct text t = text_trim((struct text){s, len});
	struct span_context span = {.flags = 0};
	enum b3_sampling state = B3_DEFER;
	int result = t.len <= 1 ? parse_state(t, &state) : parse_ids(t, &span, &state);

	if (result)
		return result;
	span.flags = state == B3_ACCEPT ? CONTEXT_SAMPLED : 0;
	*out = span;
	*sampling = state;
	return 0;
}

void b3_format(const struct span_context *span, char *out)
{
	out = hex_encode(out, span->trace_id, sizeof(span->trace_id));
	*out++ = '-';
	out = hex_encode(out, span->span_id, sizeof(span->span_id));
	*out++ = '-';
	*out = span->flags & CONTEXT_SAMPLED ? '1' : '0';
}
