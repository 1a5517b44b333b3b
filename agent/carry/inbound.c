/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that were read: requests on server connections (R1), answers on client connections (R7).
 * They are only looked at, in the program's own buffers; whose they are becomes the reading stack's
 * current context (R6, R9).
 */
#include "carry/private.h"

/** One call's worth of reading. */
struct inbound {
	struct connection *c;
	uint64_t now;       /* read once a call, when it is first needed */
	unsigned int begun; /* messages that began or went on in this call, of different owners */
};

static uint64_t inbound_now(struct inbound *in)
{
	if (!in->now)
		in->now = thread_now();
	return in->now;
}

/* ---- requests ---- */

static bool request_start(struct inbound *in)
{
	struct connection *c = in->c;

	if (!thread_block())
		return false;
	c->draft = request_new(inbound_now(in));
	if (!c->draft)
		return false;
	carrier_init(&c->carrier, &c->draft->context, process.propagators);
	return true;
}

static void request_header(struct connection *c, const struct http1_step *step)
{
	struct request *r = c->draft;
	enum context_field field = context_field(step->name.at, step->name.len);
	struct baggage *room;
	int refused;

	head_keep_header(&r->head, step);
	if (field == FIELD_NONE)
		return;
	if (field == FIELD_BAGGAGE && !r->context.baggage &&
	    (room = pool_take(&baggages)) != NULL) {
		r->context.baggage = room->text;
		r->context.baggage_cap = sizeof(room->text);
	}
	refused = carrier_add(&c->carrier, field, step->value.at ? step->value.at : "",
			      step->value.len);
	if (refused < 0)
		ring_count(COUNTER_REFUSED_FIRST + (unsigned int)context_refused(refused), 1);
}

static bool request_head(struct inbound *in)
{
	struct connection *c = in->c;
	struct request *r = c->draft;

	/* nobody pipelines that many: what was handed to children has been answered by them */
	if (c->queue.count == QUEUE_MAX && ((struct request *)queue_first(&c->queue))->handed)
		request_leave(connection_pop(c));
	if (!thread_block() || !queue_push(&c->queue, r))
		return false;
	c->draft = NULL;
	c->reading = r;
	in->begun++;
	request_begin(r, &c->carrier);
	return true;
}

/* False: the stream is not to be followed any further. */
static bool request_event(struct inbound *in, enum http1_event event, const struct http1_step *step)
{
	struct connection *c = in->c;

	switch (event) {
	case HTTP1_START:
		return request_start(in);
	case HTTP1_ROOM:
		return connection_room(&c->in, &c->in_line);
	case HTTP1_FIRST:
		head_keep_first(&c->draft->head, &c->in, step);
		return true;
	case HTTP1_HEADER:
		request_header(c, step);
		return true;
	case HTTP1_HEAD:
		connection_room_done(&c->in, &c->in_line);
		return request_head(in);
	case HTTP1_END:
		if (c->reading)
			c->reading->request_bytes = c->in.body_bytes;
		c->reading = NULL;
		return true;
	default:
		return event == HTTP1_MORE;
	}
}

/*
 * After a read: exactly one request is on this connection and its head is complete: that is what
 * the stack works for. With several (pipelined), or with half a head, nothing is certain.
 */
static void request_touched(struct inbound *in)
{
	struct connection *c = in->c;
	struct request *only = NULL, *r;
	unsigned int here = 0;

	for (unsigned int i = 0; i < c->queue.count; i++) {
		r = queue_at(&c->queue, i);
		if (r->handed)
			continue; /* another process has it */
		only = r;
		here++;
	}
	if (here != 1 || c->draft)
		only = NULL;
	thread_touch(only, TIER_EXACT, RULE_REQUEST);
	if (only)
		request_claim(only);
}

/* ---- answers ---- */

static bool answer_done(struct connection *c, const char *why)
{
	struct exchange *x = connection_pop_exchange(c);

	if (!x)
		return false;
	x->response_bytes = c->in.body_bytes;
	exchange_end(x, c, why);
	return true;
}

static bool answer_event(struct inbound *in, enum http1_event event)
{
	struct connection *c = in->c;
	struct exchange *x = queue_first(&c->queue);

	switch (event) {
	case HTTP1_START:
		if (!x)
			return false; /* nobody asked */
		in->begun++;
		http1_expect(&c->in, x->head.is_head, x->head.is_connect);
		return true;
	case HTTP1_ROOM:
		return connection_room(&c->in, &c->in_line);
	case HTTP1_FIRST:
		if (x && (c->in.status >= 200 || c->in.status == 101)) {
			x->head.status = c->in.status;
			x->head.minor = c->in.minor;
		}
		return true;
	case HTTP1_END:
		connection_room_done(&c->in, &c->in_line);
		return c->in.status < 200 || answer_done(c, NULL);
	case HTTP1_TUNNEL:
		answer_done(c, NULL);
		connection_give_up(c, COUNTER_TUNNELS);
		return false;
	default:
		return event == HTTP1_MORE;
	}
}

/* Something came in that says nothing of requests: in an event loop that is another event. */
static void unknown_touched(void)
{
	if (carry_self.looping)
		thread_touch(NULL, TIER_NONE, RULE_NONE);
}

/* The reading stack goes on with what the answer was asked for (R7), if it is one request's answer.
 */
static void answer_touched(struct inbound *in, uint64_t owner, enum record_tier tier)
{
	struct request *r = pool_hold(&requests, owner);

	if (in->begun > 1)
		thread_touch(NULL, TIER_NONE, RULE_NONE);
	else if (r && r->state == RECORD_ACTIVE)
		thread_touch(r, tier, RULE_ANSWER);
	else
		unknown_touched();
	if (r)
		request_drop(r);
}

/* ---- both ---- */

static void inbound_feed(struct inbound *in, const char *bytes, size_t len)
{
	struct connection *c = in->c;
	enum http1_event event;
	struct http1_step step;
	bool go_on;

	do {
		event = http1_feed(&c->in, bytes, len, &step);
		bytes += step.used;
		len -= step.used;
		go_on = c->role == CONNECTION_SERVER ? request_event(in, event, &step)
						     : answer_event(in, event);
	} while (go_on && event != HTTP1_MORE && (len || event != HTTP1_END));
	if (!go_on)
		connection_give_up(c, COUNTER_OPAQUE);
}

void inbound_closed(struct connection *c)
{
	if (c->role == CONNECTION_SERVER) {
		/* half a request; were more of it to come all the same, it would not be one */
		if (c->draft) {
			request_drop(c->draft);
			c->draft = NULL;
			http1_lose(&c->in);
		}
		return;
	}
	if (http1_eof(&c->in))
		answer_done(c, NULL);
	while (answer_done(c, "connection_closed"))
		continue;
}

void carry_received(uint64_t connection, const struct iovec *iov, int iovcnt, size_t n)
{
	struct connection *c = connection_enter(connection);
	struct inbound in = {.c = c};
	struct exchange *x;
	uint64_t owner = 0;
	enum record_tier tier = TIER_NONE;

	if (connection == CARRY_EVENT)
		unknown_touched();
	if (!c)
		return;
	if (c->role == CONNECTION_CLIENT && (x = queue_first(&c->queue)) != NULL) {
		owner = x->owner;
		tier = (enum record_tier)x->tier;
		in.begun = !http1_idle(&c->in);
	}
	if (!n && !c->opaque)
		inbound_closed(c);
	for (int i = 0; i < iovcnt && n && !c->opaque; i++) {
		size_t here = iov[i].iov_len < n ? iov[i].iov_len : n;

		inbound_feed(&in, iov[i].iov_base, here);
		n -= here;
	}
	if (c->role == CONNECTION_SERVER)
		request_touched(&in);
	else
		answer_touched(&in, owner, tier);
	connection_leave(c);
}

void carry_received_unseen(uint64_t connection, size_t n)
{
	struct connection *c = connection_enter(connection);
	struct inbound in = {.c = c};
	bool end = false;

	if (!c)
		return;
	if (!c->opaque && !http1_skip(&c->in, n, &end))
		connection_give_up(c, COUNTER_LOST);
	else if (end && c->role == CONNECTION_CLIENT)
		answer_done(c, NULL);
	if (c->role == CONNECTION_SERVER)
		request_touched(&in);
	connection_leave(c);
}
