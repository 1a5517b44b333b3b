/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finished requests and exchanges as span records, by OpenTelemetry's semantic conventions for
 * HTTP: no query, no header values but those it names, nothing that could be a secret (hazard N4).
 */
#include "carry/private.h"

#include <string.h>
#include <sys/socket.h>

#include "base/address.h"

#define TEXT(s, key, literal) span_text(s, ATTRIBUTE_##key, literal, sizeof(literal) - 1)

/* The convention's known methods; any other is "_OTHER", and said as it was besides. */
static const char methods[][8] = {"GET",     "POST",  "PUT",     "DELETE", "HEAD",
				  "OPTIONS", "PATCH", "CONNECT", "TRACE"};

static void emit_method(struct span_writer *s, const struct head *head)
{
	const char *method = head->text + head->method.at;
	size_t len = head->method.len;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (methods[i][0] != *method || strlen(methods[i]) != len ||
		    memcmp(methods[i], method, len))
			continue;
		span_text(s, ATTRIBUTE_HTTP_REQUEST_METHOD, method, len);
		return;
	}
	TEXT(s, HTTP_REQUEST_METHOD, "_OTHER");
	span_text(s, ATTRIBUTE_HTTP_REQUEST_METHOD_ORIGINAL, method, len);
}

static void emit_piece(struct span_writer *s, enum record_attribute_key key,
		       const struct head *head, struct piece piece)
{
	if (piece.len)
		span_text(s, key, head->text + piece.at, piece.len);
}

static void emit_peer(struct span_writer *s, const struct peer *peer, bool server)
{
	if (peer->len && server)
		span_text(s, ATTRIBUTE_CLIENT_ADDRESS, peer->text, peer->len);
	if (peer->len)
		span_text(s, ATTRIBUTE_NETWORK_PEER_ADDRESS, peer->text, peer->len);
	if (peer->port)
		span_number(s, ATTRIBUTE_NETWORK_PEER_PORT, peer->port);
	if (peer->family == AF_UNIX)
		TEXT(s, NETWORK_TRANSPORT, "unix");
}

/* "host", "host:port", "[v6]:port" -> server.address and server.port. Without a Host the peer's,
 * for clients. */
static void emit_server(struct span_writer *s, const struct head *head, const struct peer *peer)
{
	const char *host = head->text + head->host.at;
	size_t len = head->host.len, name = len;
	uint32_t port = 0, scale = 1;

	while (name && len - name < 5 && host[name - 1] >= '0' && host[name - 1] <= '9') {
		port += (uint32_t)(host[--name] - '0') * scale;
		scale *= 10;
	}
	if (name && name < len && host[name - 1] == ':') {
		len = name - 1;
	} else {
		port = 0;
	}
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (!len && peer) {
		len = peer->len;
		host = peer->text;
		port = peer->port;
	}
	if (!len)
		return;
	span_text(s, ATTRIBUTE_SERVER_ADDRESS, host, len);
	if (port && port < 65536)
		span_number(s, ATTRIBUTE_SERVER_PORT, port);
}

static void emit_status(struct span_writer *s, uint16_t status, uint16_t error_from,
			const char *why)
{
	char text[NUMBER_TEXT_MAX];

	if (status)
		span_number(s, ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, status);
	if (why)
		span_text(s, ATTRIBUTE_ERROR_TYPE, why, strlen(why));
	else if (status >= error_from)
		span_text(s, ATTRIBUTE_ERROR_TYPE, text, number_format(status, text));
	if (s->span)
		s->span->status = why || status >= error_from ? STATUS_ERROR : STATUS_UNSET;
}

/* The text that both kinds of spans carry of their context. */
static void emit_context(struct span_writer *s, const struct context *context)
{
	if (context->tracestate_len)
		span_text(s, ATTRIBUTE_TRACE_STATE, context->tracestate, context->tracestate_len);
	if (context->request_id_len)
		span_text(s, ATTRIBUTE_REQUEST_ID, context->request_id, context->request_id_len);
}

static void emit_link(struct span_writer *s, const struct span_context *link)
{
	char text[CONTEXT_TRACEPARENT_LEN];

	if (!span_context_valid(link))
		return;
	traceparent_format(link, text);
	span_text(s, ATTRIBUTE_LINK, text, sizeof(text));
}

/* False: this span is not to be recorded. */
static bool emit_begin(struct span_writer *s, struct carry_block *block, bool sampled, uint64_t now)
{
	if (!sampled) {
		count(COUNTER_SPANS_UNSAMPLED);
		return false;
	}
	if (!block)
		return false;
	process_need_ring();
	span_begin(s, &block->writer, now);
	if (!s->span)
		return false;
	count(COUNTER_SPANS);
	return true;
}

void emit_request(const struct request *r, const struct connection *c, const char *why)
{
	struct carry_block *block = thread_block();
	struct span_writer s;

	if (!emit_begin(&s, block, r->sampled, r->end_ns))
		return;
	s.span->kind = SPAN_SERVER;
	s.span->start_ns = r->start_ns;
	s.span->end_ns = r->end_ns;
	memcpy(s.span->trace_id, r->context.span.trace_id, sizeof(s.span->trace_id));
	memcpy(s.span->span_id, r->context.span.span_id, sizeof(s.span->span_id));
	memcpy(s.span->parent_id, r->remote.span_id, sizeof(s.span->parent_id));
	s.span->parent_remote = !r->root;
	s.span->tier = TIER_EXACT;
	s.span->rule = RULE_REQUEST;
	s.span->flags = r->context.span.flags;
	s.span->tid = block->tid;
	emit_method(&s, &r->head);
	emit_piece(&s, ATTRIBUTE_URL_PATH, &r->head, r->head.path);
	TEXT(&s, URL_SCHEME, "http");
	span_text(&s, ATTRIBUTE_NETWORK_PROTOCOL_VERSION, r->head.minor ? "1.1" : "1.0", 3);
	emit_status(&s, r->head.status, 500, why);
	emit_server(&s, &r->head, NULL);
	emit_peer(&s, &c->peer, true);
	if (r->request_bytes)
		span_number(&s, ATTRIBUTE_HTTP_REQUEST_BODY_SIZE, (int64_t)r->request_bytes);
	span_number(&s, ATTRIBUTE_HTTP_RESPONSE_BODY_SIZE, (int64_t)r->response_bytes);
	emit_piece(&s, ATTRIBUTE_USER_AGENT, &r->head, r->head.agent);
	emit_context(&s, &r->context);
	emit_link(&s, &r->link);
	span_end(&s, &block->writer);
}

/* url.full without the query: "http://" host path. */
static void emit_url(struct span_writer *s, const struct head *head)
{
	char url[8 + HOST_KEPT_MAX + PATH_KEPT_MAX] = "http://";
	size_t len = 7;

	if (!head->host.len || !head->path.len || head->text[head->path.at] != '/')
		return;
	memcpy(url + len, head->text + head->host.at, head->host.len);
	len += head->host.len;
	memcpy(url + len, head->text + head->path.at, head->path.len);
	span_text(s, ATTRIBUTE_URL_FULL, url, len + head->path.len);
}

void emit_exchange(const struct exchange *x, const struct connection *c, const char *why)
{
	struct carry_block *block = thread_block();
	struct request *r = x->held ? pool_hold(&requests, x->owner) : NULL;
	struct span_writer s;
	uint64_t now = thread_now();

	if (!emit_begin(&s, block, x->sampled, now))
		goto out;
	s.span->kind = SPAN_CLIENT;
	s.span->start_ns = x->start_ns;
	s.span->end_ns = now;
	memcpy(s.span->trace_id, x->span.trace_id, sizeof(s.span->trace_id));
	memcpy(s.span->span_id, x->span.span_id, sizeof(s.span->span_id));
	memcpy(s.span->parent_id, x->parent_id, sizeof(s.span->parent_id));
	s.span->parent_remote = x->parent_remote;
	s.span->tier = x->tier;
	s.span->rule = x->rule;
	s.span->flags = x->span.flags;
	s.span->tid = block->tid;
	emit_method(&s, &x->head);
	emit_url(&s, &x->head);
	emit_piece(&s, ATTRIBUTE_URL_PATH, &x->head, x->head.path);
	if (x->head.status)
		span_text(&s, ATTRIBUTE_NETWORK_PROTOCOL_VERSION, x->head.minor ? "1.1" : "1.0", 3);
	emit_status(&s, x->head.status, 400, why);
	emit_server(&s, &x->head, &c->peer);
	emit_peer(&s, &c->peer, false);
	if (x->request_bytes)
		span_number(&s, ATTRIBUTE_HTTP_REQUEST_BODY_SIZE, (int64_t)x->request_bytes);
	span_number(&s, ATTRIBUTE_HTTP_RESPONSE_BODY_SIZE, (int64_t)x->response_bytes);
	if (r)
		emit_context(&s, &r->context);
	span_end(&s, &block->writer);
out:
	if (r)
		request_drop(r);
}
