/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes written on server connections. The connection's owner is certain (R6), so every answer
 * checks what the agent believed a moment earlier: the self-audit.
 */
#include "carry/private.h"

#include <sys/socket.h>

static void answer_audit(const struct request *owner)
{
	struct request *believed;

	if (carry_self.current == pool_handle(owner)) {
		count(COUNTER_AUDIT_AGREE);
		return;
	}
	believed = thread_current();
	count(believed ? COUNTER_AUDIT_CONTRADICT : COUNTER_AUDIT_UNKNOWN);
	if (believed)
		request_drop(believed);
}

/*
 * Whose answer begins: the oldest request's that is not answered. One that the parent handed to an
 * earlier child is that child's; one that this process handed to a child may be either's, then
 * nobody knows.
 */
static bool answer_begin(struct connection *c)
{
	struct request *r;

	while ((r = queue_first(&c->queue)) != NULL && r->handed && c->queue.count > 1) {
		if (r->handed == process.generation)
			return false;
		request_leave(connection_pop(c));
	}
	c->writing = r;
	if (!r)
		return true; /* a 408 or 400 for a request that never became one */
	http1_expect(&c->out.parser, r->head.is_head, r->head.is_connect);
	answer_audit(r);
	return true;
}

/* The request at the head of the queue is answered: its record's life ends (R2). */
static void answer_finish(struct connection *c)
{
	struct request *r = c->writing;

	c->writing = NULL;
	if (!r || r != queue_first(&c->queue))
		return;
	connection_pop(c);
	if (c->reading == r) {
		r->request_bytes = c->in.body_bytes;
		c->reading = NULL;
	}
	r->response_bytes = c->out.parser.body_bytes;
	request_end(r, c, NULL);
}

static bool answer_part(struct connection *c, enum http1_event event)
{
	struct http1 *p = &c->out.parser;

	switch (event) {
	case HTTP1_START:
		return answer_begin(c);
	case HTTP1_ROOM:
		return connection_room(p, &c->out_line);
	case HTTP1_FIRST:
		if (c->writing && (p->status >= 200 || p->status == 101))
			c->writing->head.status = p->status;
		return true;
	case HTTP1_END:
		connection_room_done(p, &c->out_line);
		if (p->status >= 200)
			answer_finish(c);
		return true;
	case HTTP1_TUNNEL:
		answer_finish(c);
		connection_give_up(c, COUNTER_TUNNELS);
		return false;
	default:
		return event == HTTP1_MORE;
	}
}

static void answer_sent(struct connection *c, const char *bytes, size_t len)
{
	enum http1_event event;
	struct http1_step step;

	/* from the first byte on the stack works for the connection's owner */
	if (c->writing)
		thread_touch(c->writing, TIER_EXACT, RULE_OWNER);
	do {
		event = http1_feed(&c->out.parser, bytes, len, &step);
		bytes += step.used;
		len -= step.used;
		if (!answer_part(c, event)) {
			connection_give_up(c, COUNTER_OPAQUE);
			return;
		}
		if (event == HTTP1_START)
			thread_touch(c->writing, TIER_EXACT, RULE_OWNER);
	} while (event != HTTP1_MORE && (len || event != HTTP1_END));
}

void answer_closed(struct connection *c)
{
	if (http1_eof(&c->out.parser))
		answer_finish(c);
}

static void answer_skipped(struct connection *c, size_t n)
{
	bool end = false;

	if (c->writing)
		thread_touch(c->writing, TIER_EXACT, RULE_OWNER);
	if (!http1_skip(&c->out.parser, n, &end))
		connection_give_up(c, COUNTER_LOST);
	else if (end)
		answer_finish(c);
}

void carry_answered(uint64_t connection, const struct iovec *iov, int iovcnt, size_t n)
{
	struct connection *c = connection_enter(connection);

	if (!c)
		return;
	for (int i = 0; i < iovcnt && n && !c->opaque; i++) {
		size_t here = iov[i].iov_len < n ? iov[i].iov_len : n;

		answer_sent(c, iov[i].iov_base, here);
		n -= here;
	}
	connection_leave(c);
}

void carry_sent_unseen(uint64_t connection, size_t n)
{
	struct connection *c = connection_enter(connection);

	if (!c)
		return;
	if (!c->opaque && c->role == CONNECTION_SERVER)
		answer_skipped(c, n);
	else if (!c->opaque)
		outgoing_skipped(c, n);
	connection_leave(c);
}
