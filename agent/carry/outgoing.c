/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes written on client connections, read before they leave: where each request's head ends, what
 * context it names itself, and which edits put ours in. A head that two parsers could read
 * differently is never edited: the connection becomes opaque instead.
 *
 * Lines of ours go in front of the blank line that ends the head, when its first byte is in the
 * call: by then every header was seen, and a byte of the program's always follows (hazards I1, I2).
 */
#include "carry/private.h"

#include <string.h>

_Static_assert(sizeof(struct carry_outgoing) <= sizeof(((struct carry_plan *)0)->saved),
	       "a plan has room for the state that a short write takes back");

/* Servers' limits on heads start at 8 KiB (hazard I6). */
#define HEAD_EDITED_MAX 7680

/* All our lines but baggage: traceparent, tracestate, B3 twice, the request id, and their names. */
#define LINES_MAX (CONTEXT_TRACESTATE_MAX + CONTEXT_REQUEST_ID_MAX + 480)

/** One pass over a call's bytes. */
struct scan {
	struct connection *c;
	struct carry_plan *plan; /* NULL: the bytes have left already, nothing can be edited */
	bool fixed;              /* nothing may be edited */
	bool replay;             /* seen before: no new exchanges, no decisions */
	bool holding;            /* the call began in the middle of a line */
	uint32_t index;          /* replay: absolute number of the next exchange */
	uint64_t now;
	uint8_t head_edits; /* how many edits there were when this head began */
	char *replaced;     /* our text in the place of this head's traceparent, in this call */
	size_t at;          /* offset in the call of the piece being fed */
};

static bool scan_edits(const struct scan *s)
{
	return s->plan && !s->fixed && !s->replay;
}

/* ---- one head's events ---- */

static bool head_start(struct scan *s)
{
	struct connection *c = s->c;
	struct carry_outgoing *out = &c->out;
	struct exchange *x;

	out->present = 0;
	out->inserted = out->replaced = out->refused = false;
	s->replaced = NULL;
	s->head_edits = s->plan ? s->plan->edits : 0;
	if (s->replay) {
		out->exchange = connection_exchange(c, s->index++);
		return true;
	}
	if (!s->now)
		s->now = thread_now();
	x = thread_block() ? exchange_new(s->now) : NULL;
	out->exchange = x;
	if (!x)
		return false;
	if (queue_push(&c->queue, x))
		return true;
	out->exchange = NULL;
	exchange_cancel(x);
	return false;
}

static void head_first(struct scan *s, const struct http1_step *step)
{
	struct exchange *x = s->c->out.exchange;

	if (x && !s->replay)
		head_keep_first(&x->head, &s->c->out.parser, step);
}

/*
 * Where in this call a header's value lies, or -1 when part of it left earlier. A line that came in
 * several pieces of one call is found from its end; the bytes there must be the value's.
 */
static ptrdiff_t value_offset(const struct scan *s, const struct http1_step *step)
{
	size_t end = s->at + step->used;

	if (step->value_at >= 0)
		return (ptrdiff_t)s->at + step->value_at;
	if (end < step->value.len + 2)
		return -1;
	end -= step->value.len + 2;
	return plan_holds(s->plan, end, step->value.at, step->value.len) ? (ptrdiff_t)end : -1;
}

/* Puts @len bytes in place of the header's value. */
static void replace_value(struct scan *s, const struct http1_step *step, const char *with,
			  uint32_t len)
{
	ptrdiff_t at = scan_edits(s) ? value_offset(s, step) : -1;
	struct carry_edit edit = {.cut = (uint32_t)step->value.len, .len = len};
	size_t cap;
	char *text;

	if (at < 0) {
		count(COUNTER_INJECT_SKIPPED_SPLIT);
		return;
	}
	edit.at = (size_t)at;
	edit.text = text = connection_text(s->c, len, &cap);
	if (!text || cap < len || !plan_edit(s->plan, &edit)) {
		count(COUNTER_INJECT_SKIPPED_EDITS);
		return;
	}
	memcpy(text, with, len);
	connection_text_used(s->c, text, len);
	s->c->out.exchange->carried = true;
	s->replaced = text;
}

/* The program sends a traceparent of its own, or passes one on: it names the parent of our client
 * span. */
static void head_traceparent(struct scan *s, const struct http1_step *step)
{
	struct exchange *x = s->c->out.exchange;
	char text[CONTEXT_TRACEPARENT_LEN];
	struct span_context named;

	if (s->c->out.replaced)
		return; /* ours left with the last call, only the end of the line came with this one
			 */
	if (traceparent_parse(step->value.at, step->value.len, &named) == 0)
		exchange_follow(x, &named);
	else
		exchange_decide(x, s->c, false);
	traceparent_format(&x->span, text);
	replace_value(s, step, text, sizeof(text));
}

/*
 * A second traceparent: whoever gets both believes neither, and neither do we. The line goes, and
 * what took the first one's place names the parent that is known without them.
 */
static void head_traceparent_again(struct scan *s, const struct http1_step *step)
{
	struct exchange *x = s->c->out.exchange;
	struct carry_edit edit = {.at = s->at + (size_t)step->line_at, .text = ""};

	edit.cut = (uint32_t)(s->at + step->used - edit.at);
	if (!s->replaced || step->line_at < 0 || !plan_edit(s->plan, &edit))
		return;
	exchange_undecide(x);
	exchange_decide(x, s->c, false);
	traceparent_format(&x->span, s->replaced);
}

/* Likewise for `b3: trace-span...`; one that only says "not sampled" names nobody. */
static void head_b3(struct scan *s, const struct http1_step *step)
{
	struct exchange *x = s->c->out.exchange;
	struct context context;
	struct carrier carrier;
	char text[128];
	size_t len;
	int decision;

	context_clear(&context);
	context.baggage = NULL;
	carrier_init(&carrier, &context, PROPAGATOR_B3);
	if (carrier_add(&carrier, FIELD_B3, step->value.at, step->value.len) == 0 &&
	    carrier_finish(&carrier, &decision) == CARRIER_PARENT)
		exchange_follow(x, &context.span);
	if (!x->decided)
		return;
	context.span = x->span;
	len = context_format(&context, FIELD_B3, text, sizeof(text));
	if (len)
		replace_value(s, step, text, (uint32_t)len);
}

/* A signature that covers traceparent would break (hazard I7). */
static void head_authorization(struct scan *s, const struct http1_step *step)
{
	if (!memmem(step->value.at, step->value.len, "SignedHeaders=", 14) ||
	    !memmem(step->value.at, step->value.len, "traceparent", 11))
		return;
	s->c->out.refused = true;
	if (s->replay)
		return;
	count(COUNTER_INJECT_SKIPPED_SIGNED);
	/* it may stand behind the traceparent */
	if (s->plan)
		s->plan->edits = s->head_edits;
	s->c->out.exchange->carried = false;
}

#define B3_MULTI                                                                     \
	(1u << FIELD_B3_TRACE_ID | 1u << FIELD_B3_SPAN_ID | 1u << FIELD_B3_SAMPLED | \
	 1u << FIELD_B3_FLAGS | 1u << FIELD_B3_PARENT_ID)

static void head_header(struct scan *s, const struct http1_step *step)
{
	struct carry_outgoing *out = &s->c->out;
	enum context_field field = context_field(step->name.at, step->name.len);
	bool first = field != FIELD_NONE && !(out->present & 1u << field);

	if (field != FIELD_NONE)
		out->present |= B3_MULTI & 1u << field ? B3_MULTI : 1u << field;
	if (!out->exchange || !step->value.at || !thread_block())
		return;
	if (name_is(step->name, "authorization", 13))
		head_authorization(s, step);
	if (s->replay)
		return;
	head_keep_header(&out->exchange->head, step);
	if (out->refused || (!first && field != FIELD_TRACEPARENT))
		return;
	if (field == FIELD_TRACEPARENT && process.propagators & PROPAGATOR_TRACECONTEXT)
		first ? head_traceparent(s, step) : head_traceparent_again(s, step);
	else if (field == FIELD_B3 && process.propagators & PROPAGATOR_B3)
		head_b3(s, step);
}

/* At the blank line: every header was seen. Decides whose request it is and puts our lines in
 * front. */
static void head_blank(struct scan *s)
{
	struct connection *c = s->c;
	struct carry_outgoing *out = &c->out;
	struct exchange *x = out->exchange;
	struct context context;
	size_t cap, len;
	char *text;

	if (!x || out->inserted || !thread_block())
		return;
	if (s->replay) {
		out->inserted = x->carried;
		return;
	}
	exchange_decide(x, c, !out->parser.keep_alive);
	if (!scan_edits(s) || out->refused)
		return;
	if (out->parser.head_bytes > HEAD_EDITED_MAX) {
		count(COUNTER_INJECT_SKIPPED_SIZE);
		return;
	}
	exchange_context(x, &context);
	text = connection_text(c, LINES_MAX + context.baggage_len, &cap);
	len = text ? context_inject(&context, process.propagators, out->present, text, cap) : 0;
	if (!len)
		return;
	if (!plan_edit(s->plan,
		       &(struct carry_edit){
			       .at = s->at, .len = (uint32_t)len, .text = text, .lines = true})) {
		count(COUNTER_INJECT_SKIPPED_EDITS);
		return;
	}
	connection_text_used(c, text, (uint32_t)len);
	out->inserted = true;
	x->carried = true;
}

static void head_end(struct scan *s)
{
	struct connection *c = s->c;

	connection_room_done(&c->out.parser, &c->out_line);
	c->used = true;
	/* a call that was taken back is made again: the same request is counted once */
	if (!c->out.exchange || c->out.exchange->counted)
		return;
	c->out.exchange->counted = true;
	count(COUNTER_EXCHANGES);
	if (c->out.exchange->carried)
		count(COUNTER_INJECTED);
}

/* The line that was half sent before this call is kept as it was: a short write may need it again.
 */
static void line_done(struct scan *s)
{
	if (!s->holding)
		return;
	s->holding = false;
	connection_line_keep(s->c);
}

static bool head_event(struct scan *s, enum http1_event event, const struct http1_step *step)
{
	struct connection *c = s->c;

	switch (event) {
	case HTTP1_START:
		return head_start(s);
	case HTTP1_ROOM:
		return connection_room(&c->out.parser, &c->out_line);
	case HTTP1_FIRST:
		head_first(s, step);
		line_done(s);
		return true;
	case HTTP1_HEADER:
		head_header(s, step);
		line_done(s);
		return true;
	case HTTP1_HEAD:
		head_end(s);
		return true;
	case HTTP1_END:
		if (c->out.exchange)
			c->out.exchange->request_bytes = c->out.parser.body_bytes;
		c->out.exchange = NULL;
		return true;
	default:
		return event == HTTP1_MORE;
	}
}

/* ---- a call's bytes ---- */

static bool scan_piece(struct scan *s, const char *bytes, size_t len)
{
	struct http1 *p = &s->c->out.parser;
	enum http1_event event;
	struct http1_step step;
	bool go_on;

	do {
		event = http1_feed(p, bytes, len, &step);
		if (event == HTTP1_BLANK) {
			s->at += step.used;
			head_blank(s);
			s->at -= step.used;
			go_on = true;
		} else {
			go_on = head_event(s, event, &step);
		}
		bytes += step.used;
		len -= step.used;
		s->at += step.used;
	} while (go_on && event != HTTP1_MORE);
	return go_on;
}

static void scan_give_up(struct scan *s)
{
	/* what was planned for this call is taken back: these bytes pass as they are */
	if (s->plan)
		s->plan->edits = 0;
	connection_give_up(s->c, COUNTER_OPAQUE);
}

static void scan_call(struct scan *s, const struct iovec *iov, int iovcnt, size_t limit)
{
	for (int i = 0; i < iovcnt && limit; i++) {
		size_t here = iov[i].iov_len < limit ? iov[i].iov_len : limit;

		if (here && !scan_piece(s, iov[i].iov_base, here)) {
			scan_give_up(s);
			return;
		}
		limit -= here;
	}
}

void outgoing_plan(struct connection *c, struct carry_plan *plan, bool fixed)
{
	struct scan s = {
		.c = c, .plan = plan, .fixed = fixed, .holding = c->out.parser.line_len > 0};

	c->out.pending = c->popped + c->queue.count;
	memcpy(plan->saved, &c->out, sizeof(c->out));
	scan_call(&s, plan->app, plan->app_count, plan->total);
	if (fixed && c->out.exchange && !c->out.exchange->carried && http1_in_body(&c->out.parser))
		count(COUNTER_INJECT_SKIPPED_ZEROCOPY);
}

void outgoing_done(struct connection *c)
{
	connection_line_forget(c);
}

/* Back to before the call, then forward over what really left. */
void outgoing_short(struct connection *c, const struct carry_plan *plan,
		    const struct plan_progress *went)
{
	struct scan s = {.c = c, .replay = true};

	connection_line_restore(c);
	memcpy(&c->out, plan->saved, sizeof(c->out));
	c->out.parser.line = c->out_line ? c->out_line->text : NULL;
	c->out.parser.line_cap = c->out_line ? sizeof(c->out_line->text) : 0;
	s.index = c->out.pending;
	if (c->out.exchange && !connection_has(c, c->out.exchange))
		c->out.exchange = NULL;
	scan_call(&s, plan->app, plan->app_count, went->app);
	if (c->opaque)
		return;
	/* requests of which nothing left were never made */
	while (c->queue.count && c->popped + c->queue.count > s.index)
		exchange_cancel(queue_unpush(&c->queue));
	if (went->last && went->last->lines)
		c->out.inserted = true;
	else if (went->last)
		c->out.replaced = true;
}

void outgoing_skipped(struct connection *c, size_t n)
{
	bool end = false;

	if (!http1_skip(&c->out.parser, n, &end)) {
		connection_give_up(c, COUNTER_LOST);
		return;
	}
	if (end && c->out.exchange)
		c->out.exchange->request_bytes = c->out.parser.body_bytes;
	if (end)
		c->out.exchange = NULL;
}
