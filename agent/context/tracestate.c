/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracestate header (W3C Trace Context level 2, section 3.3): what other tracing systems want
 * to find again further down. We never read a value, but pass on nothing that breaks the grammar. A
 * line is checked as a whole, its keys against each other and against those kept so far, before the
 * context is changed.
 */
#include "context/context.h"

#include <string.h>

#include "context/text.h"

#define KEY_MAX   256
#define VALUE_MAX 256
#define LARGE     128 /* members longer than this are the first to go */

/* tracestate_cut: once something was left out, nothing of its kind may come behind it. */
enum {
	CUT_LARGE = 1,
	CUT_ALL = 2,
};

struct member {
	const char *at;
	uint16_t len, key_len;
};

static bool is_key(const char *s, size_t len)
{
	if (len == 0 || len > KEY_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (i == 0 || (c != '_' && c != '-' && c != '*' && c != '/' && c != '@'))
			return false;
	}
	return true;
}

/* @len excludes trailing white space already; spaces in front belong to the value. */
static bool is_value(const char *s, size_t len)
{
	if (len == 0 || len > VALUE_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < 0x20 || s[i] > 0x7e || s[i] == '=')
			return false;
	}
	return true;
}

static bool parse_member(struct text t, struct member *out)
{
	struct text value = t, key;

	if (!text_cut(&value, '=', &key) || !is_key(key.at, key.len) ||
	    !is_value(value.at, value.len))
		return false;
	*out = (struct member){t.at, (uint16_t)t.len, (uint16_t)key.len};
	return true;
}

/* Splits a line of at most @max members. Returns their number; -1 when the grammar is broken. */
static int parse_line(struct text line, struct member *out, int max)
{
	struct text part;
	int count = 0;
	bool more;

	do {
		more = text_cut(&line, ',', &part);
		part = text_trim(part);
		if (part.len == 0)
			continue;
		if (count >= max || !parse_member(part, &out[count]))
			return -1;
		count++;
	} while (more);
	return count;
}

static bool same_key(const struct member *a, const struct member *b)
{
	return a->key_len == b->key_len && memcmp(a->at, b->at, a->key_len) == 0;
}

/* The members kept so far, one after the other. False at the end. */
static bool next_kept(struct text *rest, struct member *out)
{
	struct text part;

	if (rest->len == 0)
		return false;
	text_cut(rest, ',', &part);
	return parse_member(part, out);
}

static bool has_duplicate(const struct context *ctx, const struct member *members, int count)
{
	struct text rest = {ctx->tracestate, ctx->tracestate_len};
	struct member kept;

	while (next_kept(&rest, &kept)) {
		for (int i = 0; i < count; i++) {
			if (same_key(&members[i], &kept))
				return true;
		}
	}
	for (int i = 1; i < count; i++) {
		for (int j = 0; j < i; j++) {
			if (same_key(&members[i], &members[j]))
				return true;
		}
	}
	return false;
}

/* Takes the right-most large member out. False when there is none. */
static bool drop_large(struct context *ctx)
{
	struct text rest = {ctx->tracestate, ctx->tracestate_len};
	struct member kept, large = {NULL, 0, 0};
	size_t from, to;

	while (next_kept(&rest, &kept)) {
		if (kept.len > LARGE)
			large = kept;
	}
	if (!large.at)
		return false;
	from = (size_t)(large.at - ctx->tracestate);
	to = from + large.len;
	/* One comma goes with it: the one behind it, or for the last member the one in front. */
	if (to < ctx->tracestate_len)
		to++;
	else if (from > 0)
		from--;
	memmove(ctx->tracestate + from, ctx->tracestate + to, ctx->tracestate_len - to);
	ctx->tracestate_len = (uint16_t)(ctx->tracestate_len - (to - from));
	return true;
}

static size_t length_with(const struct context *ctx, const struct member *m)
{
	return ctx->tracestate_len + (ctx->tracestate_len > 0) + (size_t)m->len;
}

/* Appends @m or leaves it out. False then, and when another one had to go for it. */
static bool append_member(struct context *ctx, const struct member *m)
{
	bool large = m->len > LARGE, complete = true;

	if (ctx->tracestate_cut & (large ? CUT_LARGE | CUT_ALL : CUT_ALL))
		return false;
	while (length_with(ctx, m) > CONTEXT_TRACESTATE_MAX) {
		complete = false;
		ctx->tracestate_cut |= CUT_LARGE;
		if (large)
			return false;
		if (!drop_large(ctx)) {
			ctx->tracestate_cut |= CUT_ALL;
			return false;
		}
	}
	if (ctx->tracestate_len > 0)
		ctx->tracestate[ctx->tracestate_len++] = ',';
	memcpy(ctx->tracestate + ctx->tracestate_len, m->at, m->len);
	ctx->tracestate_len = (uint16_t)(ctx->tracestate_len + m->len);
	return complete;
}

int tracestate_append(struct context *ctx, const char *s, size_t len)
{
	struct member members[CONTEXT_TRACESTATE_MEMBERS];
	int left = CONTEXT_TRACESTATE_MEMBERS - ctx->tracestate_members;
	int count = parse_line((struct text){s, len}, members, left);
	bool complete = true;

	if (count < 0 || has_duplicate(ctx, members, count))
		return context_refuse(REFUSAL_STATE_FORM);
	for (int i = 0; i < count; i++)
		complete &= append_member(ctx, &members[i]);
	ctx->tracestate_members = (uint8_t)(ctx->tracestate_members + count);
	return complete ? 0 : context_refuse(REFUSAL_STATE_SIZE);
}
