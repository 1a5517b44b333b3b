/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream: taking it and its lock, giving it up, and what ends with it. Every path that is not
 * sure what passed makes it opaque: its bytes go by untouched for the rest of its life.
 */
#include "carry/private.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/address.h"

static void connection_retire(void *object);

static struct pool connections = POOL_OF(struct connection, 64, connection_retire);
static struct pool buffers = POOL_OF(struct buffer, 32, NULL);
static struct pool wide_buffers = POOL_OF(struct wide_buffer, 32, NULL);

/* ---- queues ---- */

bool queue_push(struct queue *q, void *item)
{
	if (q->count == QUEUE_MAX)
		return false;
	q->at[(q->first + q->count++) % QUEUE_MAX] = item;
	return true;
}

void *queue_at(const struct queue *q, unsigned int i)
{
	return i < q->count ? q->at[(q->first + i) % QUEUE_MAX] : NULL;
}

void *queue_first(const struct queue *q)
{
	return queue_at(q, 0);
}

void *queue_pop(struct queue *q)
{
	void *item = queue_first(q);

	if (!item)
		return NULL;
	q->first = (q->first + 1) % QUEUE_MAX;
	q->count--;
	return item;
}

void *queue_unpush(struct queue *q)
{
	return q->count ? q->at[(q->first + --q->count) % QUEUE_MAX] : NULL;
}

/* ---- peers ---- */

void peer_set(struct peer *peer, const struct sockaddr *address, size_t len)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	} from;

	peer->family = AF_UNSPEC;
	peer->port = 0;
	peer->len = 0;
	if (!address || len < sizeof(from.any.sa_family))
		return;
	memset(&from, 0, sizeof(from));
	memcpy(&from, address, len < sizeof(from) ? len : sizeof(from));
	peer->family = from.any.sa_family;
	if (peer->family == AF_INET) {
		peer->port = ntohs(from.v4.sin_port);
		peer->len =
			(uint8_t)address_format_v4((const uint8_t *)&from.v4.sin_addr, peer->text);
	} else if (peer->family == AF_INET6) {
		peer->port = ntohs(from.v6.sin6_port);
		peer->len = (uint8_t)address_format_v6(from.v6.sin6_addr.s6_addr, peer->text);
	} else if (peer->family == AF_UNIX) {
		/* an abstract name begins with NUL and is no path that anybody could look up */
		peer->len = (uint8_t)strnlen(from.local.sun_path, sizeof(from.local.sun_path));
		memcpy(peer->text, from.local.sun_path, peer->len);
	}
}

/* ---- line buffers ---- */

bool connection_room(struct http1 *parser, struct wide_buffer **buffer)
{
	if (*buffer)
		return false; /* it has one already: the line does not fit, the parser deals with it
			       */
	*buffer = pool_take(&wide_buffers);
	if (!*buffer) {
		count(COUNTER_TABLE_FULL);
		return false;
	}
	parser->line = (*buffer)->text;
	parser->line_cap = sizeof((*buffer)->text);
	return true;
}

void connection_room_done(struct http1 *parser, struct wide_buffer **buffer)
{
	if (likely(!*buffer))
		return;
	parser->line = NULL;
	parser->line_cap = 0;
	pool_drop(&wide_buffers, *buffer);
	*buffer = NULL;
}

void connection_line_keep(struct connection *c)
{
	c->kept_line = c->out_line;
	c->out_line = NULL;
	c->out.parser.line = NULL;
	c->out.parser.line_cap = 0;
}

void connection_line_forget(struct connection *c)
{
	if (!c->kept_line)
		return;
	pool_drop(&wide_buffers, c->kept_line);
	c->kept_line = NULL;
}

void connection_line_restore(struct connection *c)
{
	if (!c->kept_line)
		return;
	connection_room_done(&c->out.parser, &c->out_line);
	c->out_line = c->kept_line;
	c->kept_line = NULL;
}

/* ---- exchanges by their absolute number on the connection ---- */

struct exchange *connection_exchange(const struct connection *c, uint32_t number)
{
	return number - c->popped < QUEUE_MAX ? queue_at(&c->queue, number - c->popped) : NULL;
}

bool connection_has(const struct connection *c, const struct exchange *x)
{
	for (unsigned int i = 0; i < c->queue.count; i++)
		if (queue_at(&c->queue, i) == x)
			return true;
	return false;
}

void *connection_pop(struct connection *c)
{
	void *item = queue_pop(&c->queue);

	c->popped += item != NULL;
	return item;
}

struct exchange *connection_pop_exchange(struct connection *c)
{
	struct exchange *x = connection_pop(c);

	if (!x)
		return NULL;
	if (c->out.exchange == x)
		c->out.exchange = NULL;
	return x;
}

/* ---- life ---- */

uint64_t connection_handle(const struct connection *c)
{
	return pool_handle(c) | (c->role == CONNECTION_SERVER ? CARRY_SERVER : 0);
}

static void connection_drop(struct connection *c)
{
	pool_drop(&connections, c);
}

struct connection *connection_new(enum connection_role role, const struct peer *peer)
{
	struct connection *c = pool_take(&connections);

	if (!c) {
		count(COUNTER_TABLE_FULL);
		return NULL;
	}
	/* the lock is not touched: whoever came for the last connection here may still hold it */
	memset(&c->lost, 0, sizeof(*c) - offsetof(struct connection, lost));
	c->descriptors = 1;
	c->role = role;
	c->peer = *peer;
	http1_init(&c->in, role == CONNECTION_SERVER ? HTTP1_REQUEST : HTTP1_RESPONSE);
	http1_init(&c->out.parser, role == CONNECTION_SERVER ? HTTP1_RESPONSE : HTTP1_REQUEST);
	/* of answers only where they begin and end is of interest; edits go where a blank line is
	 */
	(role == CONNECTION_SERVER ? &c->out.parser : &c->in)->quiet = true;
	c->out.parser.brief = role == CONNECTION_SERVER;
	c->in.brief = true;
	return c;
}

static void connection_end_pending(struct connection *c, const char *why)
{
	void *item;

	if (c->draft)
		request_drop(c->draft);
	c->draft = c->reading = c->writing = NULL;
	c->out.exchange = NULL;
	while ((item = connection_pop(c)) != NULL) {
		if (c->role == CONNECTION_SERVER)
			request_end(item, c, why);
		else
			exchange_end(item, c, why);
	}
}

void connection_give_up(struct connection *c, enum counter why)
{
	if (c->opaque)
		return;
	c->opaque = true;
	count(why);
	http1_lose(&c->in);
	http1_lose(&c->out.parser);
	connection_room_done(&c->in, &c->in_line);
	connection_room_done(&c->out.parser, &c->out_line);
	/* what is owed must still go out; what was asked and not answered will never be known */
	connection_end_pending(c, "_OTHER");
}

const struct connection *connection_peek(uint64_t handle)
{
	const struct connection *c = pool_peek(&connections, handle & ~CARRY_SERVER);

	return c && pool_names(c, handle & ~CARRY_SERVER) ? c : NULL;
}

struct connection *connection_enter(uint64_t handle)
{
	/* no reference is taken: the last one is given up under the lock */
	struct connection *c = pool_peek(&connections, handle & ~CARRY_SERVER);

	if (!c)
		return NULL;
	switch (lock_take(&c->lock)) {
	case LOCK_TAKEN:
		break;
	case LOCK_STALE:
		atomic_store(&c->lost, true);
		break;
	case LOCK_BUSY:
		count(COUNTER_LOCK_TIMEOUT);
		carry_missed(handle);
		return NULL;
	}
	if (unlikely(!pool_names(c, handle & ~CARRY_SERVER))) {
		lock_drop(&c->lock);
		return NULL;
	}
	if (unlikely(atomic_load_explicit(&c->lost, memory_order_relaxed)))
		connection_give_up(c, COUNTER_LOST);
	return c;
}

void connection_leave(struct connection *c)
{
	lock_drop(&c->lock);
}

void connection_share(struct connection *c)
{
	pool_share(c);
}

void connection_unshare(struct connection *c)
{
	connection_drop(c);
	lock_drop(&c->lock);
}

static void connection_ended(struct connection *c)
{
	if (c->opaque)
		return;
	if (c->role == CONNECTION_SERVER)
		answer_closed(c);
	else
		inbound_closed(c);
	connection_end_pending(c, "connection_closed");
	c->opaque = true;
}

/*
 * A lock that is not to be had: its holder works on a stream that is being closed under its hands.
 * What was pending then ends with the process; the object stays.
 */
void connection_unname(uint64_t handle)
{
	struct connection *c = connection_enter(handle);

	if (!c)
		return;
	if (--c->descriptors == 0)
		connection_ended(c);
	connection_drop(c);
	lock_drop(&c->lock);
}

bool connection_name(uint64_t handle)
{
	struct connection *c = connection_enter(handle);

	if (!c)
		return false;
	c->descriptors++;
	pool_share(c);
	connection_leave(c);
	return true;
}

void connection_text_done(struct connection *c)
{
	if (c->text)
		pool_drop(&buffers, c->text);
	if (c->wide_text)
		pool_drop(&wide_buffers, c->wide_text);
	c->text = NULL;
	c->wide_text = NULL;
	c->text_len = c->wide_len = 0;
}

static char *text_narrow(struct connection *c, size_t *room)
{
	if (!c->text)
		c->text = pool_take(&buffers);
	*room = c->text ? sizeof(c->text->text) - c->text_len : 0;
	return c->text ? c->text->text + c->text_len : NULL;
}

static char *text_wide(struct connection *c, size_t *room)
{
	if (!c->wide_text)
		c->wide_text = pool_take(&wide_buffers);
	*room = c->wide_text ? sizeof(c->wide_text->text) - c->wide_len : 0;
	return c->wide_text ? c->wide_text->text + c->wide_len : NULL;
}

char *connection_text(struct connection *c, size_t wanted, size_t *room)
{
	char *text = text_narrow(c, room);

	return *room >= wanted ? text : text_wide(c, room);
}

void connection_text_trim(struct connection *c)
{
	uint32_t end;

	if (c->text && c->owed >= c->text->text &&
	    c->owed < c->text->text + sizeof(c->text->text)) {
		end = (uint32_t)(c->owed + c->owed_len - c->text->text);
		c->text_len = end;
		c->wide_len = 0;
	} else if (c->wide_text) {
		end = (uint32_t)(c->owed + c->owed_len - c->wide_text->text);
		c->wide_len = end;
		c->text_len = 0;
	}
}

void connection_text_used(struct connection *c, const char *text, uint32_t len)
{
	if (c->text && text == c->text->text + c->text_len)
		c->text_len += len;
	else
		c->wide_len += len;
}

static void connection_retire(void *object)
{
	struct connection *c = object;

	connection_room_done(&c->in, &c->in_line);
	connection_room_done(&c->out.parser, &c->out_line);
	connection_line_forget(c);
	connection_text_done(c);
}

void carry_shut(int fd, int how)
{
	struct connection *c = connection_enter(carry_watch(fd));

	if (!c)
		return;
	if (how != SHUT_RD && c->role == CONNECTION_SERVER && !c->opaque)
		answer_closed(c);
	connection_leave(c);
}

void carry_missed(uint64_t connection)
{
	struct connection *c;

	/* a vfork child's memory is its parent's, its descriptors are not (hazard D1) */
	if (carry_self.vfork_tid)
		return;
	c = pool_hold(&connections, connection & ~CARRY_SERVER);
	if (!c)
		return;
	atomic_store(&c->lost, true);
	connection_drop(c);
}
