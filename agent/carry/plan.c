/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One outgoing call from before it to after it: the program's bytes, our edits, and what a short
 * write means (hazard I1). The program is told how many of *its* bytes left; what is left of a text
 * of ours is owed and goes out before the program's next byte. A text of ours always has a byte of
 * the program's behind it, so the program always calls again and nothing stays owed for ever.
 */
#include "carry/private.h"

#include <errno.h>
#include <string.h>

bool plan_edit(struct carry_plan *plan, const struct carry_edit *edit)
{
	if (plan->edits == CARRY_EDITS)
		return false;
	plan->edit[plan->edits++] = *edit;
	return true;
}

bool plan_holds(const struct carry_plan *plan, size_t at, const char *bytes, size_t len)
{
	for (int i = 0; i < plan->app_count && len; i++) {
		size_t have = plan->app[i].iov_len, here;

		if (at >= have) {
			at -= have;
			continue;
		}
		here = have - at < len ? have - at : len;
		if (memcmp((const char *)plan->app[i].iov_base + at, bytes, here))
			return false;
		bytes += here;
		len -= here;
		at = 0;
	}
	return !len;
}

/* ---- laying out ---- */

static bool plan_put(struct carry_plan *plan, const char *bytes, size_t len)
{
	if (!len)
		return true;
	if (plan->iovcnt == CARRY_IOV)
		return false;
	plan->iov[plan->iovcnt++] =
		(struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	return true;
}

/** Walks the program's iovecs. */
struct plan_cursor {
	int i;
	size_t off;
};

/* Passes over @len of the program's bytes; with @put they go into the plan. */
static bool plan_walk(struct carry_plan *plan, struct plan_cursor *at, size_t len, bool put)
{
	while (len && at->i < plan->app_count) {
		const struct iovec *v = &plan->app[at->i];
		size_t here = v->iov_len - at->off < len ? v->iov_len - at->off : len;

		if (put && !plan_put(plan, (const char *)v->iov_base + at->off, here))
			return false;
		len -= here;
		at->off += here;
		if (at->off == v->iov_len) {
			at->i++;
			at->off = 0;
		}
	}
	return true;
}

static bool plan_layout(struct carry_plan *plan)
{
	struct plan_cursor at = {0, 0};
	size_t pos = 0;

	for (unsigned int i = 0; i < plan->edits; i++) {
		const struct carry_edit *e = &plan->edit[i];

		if (!plan_walk(plan, &at, e->at - pos, true) || !plan_put(plan, e->text, e->len) ||
		    !plan_walk(plan, &at, e->cut, false))
			return false;
		pos = e->at + e->cut;
	}
	return plan_walk(plan, &at, plan->total - pos, true);
}

/*
 * Too many pieces for our array. Edits are given up; with bytes owed the program's call becomes a
 * short one instead, because they must come first.
 */
static void plan_layout_plain(struct carry_plan *plan, const struct connection *c)
{
	struct plan_cursor at = {0, 0};

	plan->iovcnt = 0;
	plan->edits = 0;
	if (!plan->owed)
		return;
	plan_put(plan, c->owed, c->owed_len);
	plan_walk(plan, &at, plan->total, true);
	plan->total = 0;
	for (int i = 1; i < plan->iovcnt; i++)
		plan->total += plan->iov[i].iov_len;
}

/* ---- what a number of sent bytes means ---- */

static void plan_progress(const struct carry_plan *plan, size_t sent, struct plan_progress *out)
{
	size_t pos = 0;

	*out = (struct plan_progress){.app = 0};
	if (sent < plan->owed) {
		out->owed = plan->owed_text + sent;
		out->owed_len = plan->owed - (uint32_t)sent;
		return;
	}
	sent -= plan->owed;
	for (unsigned int i = 0; i < plan->edits; i++) {
		const struct carry_edit *e = &plan->edit[i];

		if (sent <= e->at - pos) {
			out->app = pos + sent;
			return;
		}
		sent -= e->at - pos;
		/* what is cut counts as sent together with the first byte of what replaces it */
		pos = e->at + e->cut;
		if (sent < e->len) {
			out->app = pos;
			out->owed = e->text + sent;
			out->owed_len = e->len - (uint32_t)sent;
			out->last = e;
			return;
		}
		sent -= e->len;
		if (!sent) {
			out->app = pos;
			out->last = e->len ? e : NULL;
			return;
		}
	}
	out->app = pos + sent;
}

/* ---- before the call ---- */

static size_t iov_total(const struct iovec *iov, int iovcnt)
{
	size_t total = 0;

	for (int i = 0; i < iovcnt; i++)
		total += iov[i].iov_len;
	return total;
}

static void plan_clear(struct carry_plan *plan, uint64_t connection, const struct iovec *iov,
		       int iovcnt)
{
	plan->connection = connection;
	plan->planned = false;
	plan->iovcnt = 0;
	plan->edits = 0;
	plan->owed = 0;
	plan->done = 0;
	plan->app = iov;
	plan->app_count = iovcnt;
	plan->total = iov_total(iov, iovcnt);
}

static void plan_owe(struct carry_plan *plan, const struct connection *c)
{
	plan->owed = c->owed_len;
	plan->owed_text = c->owed;
}

static void plan_prepare(struct connection *c, struct carry_plan *plan, int flags)
{
	plan_owe(plan, c);
	if (!c->opaque)
		outgoing_plan(c, plan, flags & CARRY_SEND_FIXED);
	if (plan->edits + plan->owed == 0)
		return;
	plan->iovcnt = 0;
	if (!plan_put(plan, c->owed, c->owed_len) || !plan_layout(plan)) {
		count(COUNTER_INJECT_SKIPPED_EDITS);
		plan_layout_plain(plan, c);
	}
}

/*
 * The call is under way from here to carry_sent(); until then it holds a reference, because its
 * iovecs point into the connection's text. False: another call is under way. Which bytes come first
 * cannot be known then, and what is owed is that call's to send: this one passes as it is.
 */
static bool plan_begin(struct connection *c, struct carry_plan *plan)
{
	if (c->serial & 1) {
		connection_give_up(c, COUNTER_LOST);
		return false;
	}
	c->serial++;
	plan->planned = true;
	connection_share(c);
	return true;
}

bool carry_edits(uint64_t connection)
{
	const struct connection *c = connection_peek(connection);

	/* a hint: what changes meanwhile is seen under the lock */
	return !c || !c->opaque || c->owed_len;
}

void carry_sending(struct carry_plan *plan, uint64_t connection, const struct iovec *iov,
		   int iovcnt, int flags)
{
	struct connection *c = connection_enter(connection);

	plan_clear(plan, connection, iov, iovcnt);
	if (!c)
		return;
	if (plan->total && (!c->opaque || c->owed_len) && plan_begin(c, plan))
		plan_prepare(c, plan, flags);
	connection_leave(c);
}

void carry_flushing(struct carry_plan *plan, uint64_t connection)
{
	struct connection *c = connection_enter(connection);

	plan_clear(plan, connection, NULL, 0);
	if (!c)
		return;
	if (c->owed_len && plan_begin(c, plan)) {
		plan_owe(plan, c);
		plan_put(plan, c->owed, c->owed_len);
	}
	connection_leave(c);
}

/* ---- after the call ---- */

static void plan_commit(struct connection *c, const struct carry_plan *plan,
			const struct plan_progress *went)
{
	c->serial++;
	c->owed = went->owed;
	c->owed_len = went->owed_len;
	if (went->owed_len) {
		count(COUNTER_OWED);
		connection_text_trim(c);
	} else {
		connection_text_done(c);
	}
	if (c->opaque)
		return;
	if (went->app < iov_total(plan->app, plan->app_count))
		outgoing_short(c, plan, went);
	else
		outgoing_done(c);
}

/* Only bytes of ours left: the program cannot be told "0", so its call goes on (hazard I1). */
static ssize_t plan_again(struct carry_plan *plan, size_t taken)
{
	plan->done += taken;
	for (int i = 0; i < plan->iovcnt && taken; i++) {
		size_t here = plan->iov[i].iov_len < taken ? plan->iov[i].iov_len : taken;

		plan->iov[i].iov_base = (char *)plan->iov[i].iov_base + here;
		plan->iov[i].iov_len -= here;
		taken -= here;
	}
	return CARRY_AGAIN;
}

ssize_t carry_sent(struct carry_plan *plan, ssize_t result)
{
	size_t sent = plan->done + (result > 0 ? (size_t)result : 0);
	struct plan_progress went;
	struct connection *c;

	if (plan->iovcnt)
		plan_progress(plan, sent, &went);
	else
		went = (struct plan_progress){.app = sent};
	if (result > 0 && !went.app && (plan->total || went.owed_len))
		return plan_again(plan, (size_t)result);
	c = connection_enter(plan->connection);
	if (c) {
		plan_commit(c, plan, &went);
		connection_unshare(c);
	}
	if (went.app)
		return (ssize_t)went.app;
	return result < 0 ? result : 0;
}
