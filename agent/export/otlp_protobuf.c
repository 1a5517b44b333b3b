/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP in protobuf: the message tree is built in the scratch arena and packed once; see otlp.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "export/otlp.h"
#include "otlp.pb-c.h"

/* The generated names are the schema's, spelled out; shorter ones make the code below readable. */
#define NAMED(type) Opentelemetry__Proto__##type
#define DEFINE_MAKE(type, lower) \
	static NAMED(type) *make_##lower(struct arena *a) \
	{ \
		NAMED(type) *m = arena_get(a, sizeof(*m)); \
		opentelemetry__proto__##lower##__init(m); \
		return m; \
	}

DEFINE_MAKE(ExportTraceServiceRequest, export_trace_service_request)
DEFINE_MAKE(ResourceSpans, resource_spans)
DEFINE_MAKE(ScopeSpans, scope_spans)
DEFINE_MAKE(Resource, resource)
DEFINE_MAKE(InstrumentationScope, instrumentation_scope)
DEFINE_MAKE(Span, span)
DEFINE_MAKE(Status, status)
DEFINE_MAKE(Span__Link, span__link)
DEFINE_MAKE(KeyValue, key_value)
DEFINE_MAKE(AnyValue, any_value)

/** protobuf-c has no const strings; packing only reads them. */
static char *packed_text(const char *s)
{
	union {
		const char *from;
		char *to;
	} u = { .from = s };

	return u.to;
}

static ProtobufCBinaryData packed_bytes(const uint8_t *data, size_t len)
{
	union {
		const uint8_t *from;
		uint8_t *to;
	} u = { .from = data };

	return (ProtobufCBinaryData){ .len = len, .data = u.to };
}

static NAMED(KeyValue) **pack_attributes(struct arena *a, const struct model_attributes *from)
{
	NAMED(KeyValue) **list = arena_get(a, from->count * sizeof(NAMED(KeyValue) *));

	for (uint32_t i = 0; i < from->count; i++) {
		const struct model_attribute *attribute = &from->list[i];
		NAMED(AnyValue) *value = make_any_value(a);

		if (attribute->text) {
			value->value_case = OPENTELEMETRY__PROTO__ANY_VALUE__VALUE_STRING_VALUE;
			value->string_value = packed_text(attribute->text);
		} else {
			value->value_case = OPENTELEMETRY__PROTO__ANY_VALUE__VALUE_INT_VALUE;
			value->int_value = attribute->number;
		}
		list[i] = make_key_value(a);
		list[i]->key = packed_text(attribute->key);
		list[i]->value = value;
	}
	return list;
}

static void pack_link(struct arena *a, NAMED(Span) *span, const struct span_context *to)
{
	span->links = arena_get(a, sizeof(NAMED(Span__Link) *));
	span->links[0] = make_span__link(a);
	span->links[0]->trace_id = packed_bytes(to->trace_id, sizeof(to->trace_id));
	span->links[0]->span_id = packed_bytes(to->span_id, sizeof(to->span_id));
	span->n_links = 1;
}

static NAMED(Span) *pack_span(struct arena *a, const struct model_span *from)
{
	NAMED(Span) *span = make_span(a);

	span->trace_id = packed_bytes(from->trace_id, sizeof(from->trace_id));
	span->span_id = packed_bytes(from->span_id, sizeof(from->span_id));
	if (from->has_parent)
		span->parent_span_id = packed_bytes(from->parent_id, sizeof(from->parent_id));
	if (from->trace_state)
		span->trace_state = packed_text(from->trace_state);
	span->name = packed_text(model_span_name(from));
	span->kind = (NAMED(Span__SpanKind))from->kind;
	span->start_time_unix_nano = from->start_ns;
	span->end_time_unix_nano = from->end_ns;
	span->n_attributes = from->attributes.count;
	span->attributes = pack_attributes(a, &from->attributes);
	span->dropped_attributes_count = from->attributes.dropped;
	if (from->linked)
		pack_link(a, span, &from->link);
	span->flags = otlp_span_flags(from);
	span->status = make_status(a);
	span->status->code = (NAMED(Status__StatusCode))from->status;
	return span;
}

static NAMED(ScopeSpans) *pack_scope(struct arena *a, const struct batch *b,
				     const struct batch_group *group)
{
	NAMED(ScopeSpans) *scope = make_scope_spans(a);
	struct model_span *span;

	scope->scope = make_instrumentation_scope(a);
	scope->scope->name = packed_text(MODEL_SCOPE);
	scope->scope->version = packed_text(CTXAGENT_VERSION);
	scope->spans = arena_get(a, group->count * sizeof(NAMED(Span) *));
	for (uint32_t i = 0; i < group->count; i++) {
		span = arena_get(a, sizeof(*span));	/* ids are packed where they stand */
		if (!model_span_read(a, &group->resource, batch_record(b, group->first + i), span))
			scope->spans[scope->n_spans++] = pack_span(a, span);
	}
	return scope;
}

static NAMED(ResourceSpans) *pack_group(struct arena *a, const struct batch *b,
					const struct batch_group *group)
{
	NAMED(ResourceSpans) *out = make_resource_spans(a);

	out->resource = make_resource(a);
	out->resource->n_attributes = group->resource.attributes.count;
	out->resource->attributes = pack_attributes(a, &group->resource.attributes);
	out->resource->dropped_attributes_count = group->resource.attributes.dropped;
	out->n_scope_spans = 1;
	out->scope_spans = arena_get(a, sizeof(NAMED(ScopeSpans) *));
	out->scope_spans[0] = pack_scope(a, b, group);
	return out;
}

uint32_t otlp_span_flags(const struct model_span *span)
{
	return span->flags | OTLP_FLAG_HAS_IS_REMOTE |
	       (span->parent_remote ? OTLP_FLAG_IS_REMOTE : 0);
}

void otlp_encode_protobuf(const struct batch *b, struct arena *scratch, struct buffer *out)
{
	NAMED(ExportTraceServiceRequest) *request;
	const struct batch_group *group;
	size_t groups = 0;
	char *at;

	for (group = b->groups; group; group = group->next)
		groups++;
	request = make_export_trace_service_request(scratch);
	request->resource_spans = arena_get(scratch, groups * sizeof(NAMED(ResourceSpans) *));
	for (group = b->groups; group; group = group->next)
		request->resource_spans[request->n_resource_spans++] =
			pack_group(scratch, b, group);
	at = buffer_room(
		out, opentelemetry__proto__export_trace_service_request__get_packed_size(request));
	out->len +=
		opentelemetry__proto__export_trace_service_request__pack(request, (uint8_t *)at);
	arena_reset(scratch);
}

int otlp_decode_protobuf(const char *body, size_t len, struct otlp_partial *out)
{
	NAMED(ExportTraceServiceResponse) *response;

	memset(out, 0, sizeof(*out));
	response = opentelemetry__proto__export_trace_service_response__unpack(NULL, len,
									     (const uint8_t *)body);
	if (!response)
		return -EBADMSG;
	if (response->partial_success) {
		out->rejected_spans = response->partial_success->rejected_spans;
		snprintf(out->message, sizeof(out->message), "%s",
			 response->partial_success->error_message);
	}
	opentelemetry__proto__export_trace_service_response__free_unpacked(response, NULL);
	return 0;
}
