/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP in JSON, one request without line breaks; see otlp.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/otlp.h"
#include "export/text.h"

static json_t *json_u64(uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return json_string(text);
}

static json_t *json_hex(const uint8_t *bytes, size_t len)
{
	char text[2 * 16 + 1];

	text_hex(bytes, len, text);
	return json_string(text);
}

static json_t *json_value(const struct model_attribute *attribute)
{
	char text[24];

	if (attribute->text)
		return json_pack("{s:s}", "stringValue", attribute->text);
	snprintf(text, sizeof(text), "%" PRId64, attribute->number);
	return json_pack("{s:s}", "intValue", text);
}

static void set_attributes(json_t *to, const struct model_attributes *from)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < from->count; i++)
		json_array_append_new(list, json_pack("{s:s, s:o}", "key", from->list[i].key, "value",
						      json_value(&from->list[i])));
	json_object_set_new(to, "attributes", list);
	if (from->dropped)
		json_object_set_new(to, "droppedAttributesCount", json_integer(from->dropped));
}

static json_t *json_span(const struct model_span *from)
{
	json_t *span = json_object();

	json_object_set_new(span, "traceId", json_hex(from->trace_id, sizeof(from->trace_id)));
	json_object_set_new(span, "spanId", json_hex(from->span_id, sizeof(from->span_id)));
	if (from->trace_state)
		json_object_set_new(span, "traceState", json_string(from->trace_state));
	if (from->has_parent)
		json_object_set_new(span, "parentSpanId",
				    json_hex(from->parent_id, sizeof(from->parent_id)));
	json_object_set_new(span, "flags", json_integer(otlp_span_flags(from)));
	json_object_set_new(span, "name", json_string(model_span_name(from)));
	json_object_set_new(span, "kind", json_integer(from->kind));
	json_object_set_new(span, "startTimeUnixNano", json_u64(from->start_ns));
	json_object_set_new(span, "endTimeUnixNano", json_u64(from->end_ns));
	set_attributes(span, &from->attributes);
	json_object_set_new(span, "status", from->status ? json_pack("{s:i}", "code", from->status)
							 : json_object());
	return span;
}

static json_t *json_group(struct arena *scratch, const struct batch *b, const struct batch_group *group)
{
	json_t *resource = json_object();
	json_t *spans = json_array();
	struct model_span span;

	set_attributes(resource, &group->resource.attributes);
	for (uint32_t i = 0; i < group->count; i++) {
		const struct record *record = batch_record(b, group->first + i);

		if (!model_span_read(scratch, &group->resource, record, &span))
			json_array_append_new(spans, json_span(&span));
	}
	return json_pack("{s:o, s:[{s:{s:s, s:s}, s:o}]}", "resource", resource, "scopeSpans", "scope",
			 "name", MODEL_SCOPE, "version", CTXAGENT_VERSION, "spans", spans);
}

static int append(const char *data, size_t len, void *out)
{
	buffer_append(out, data, len);
	return 0;
}

void otlp_encode_json(const struct batch *b, struct arena *scratch, struct buffer *out)
{
	json_t *groups = json_array();
	json_t *request;

	for (const struct batch_group *group = b->groups; group; group = group->next)
		json_array_append_new(groups, json_group(scratch, b, group));
	request = json_pack("{s:o}", "resourceSpans", groups);
	json_dump_callback(request, append, out, JSON_COMPACT);
	json_decref(request);
	arena_reset(scratch);
}

/** A 64-bit integer of OTLP's JSON: a string, or a number from those who do not care. */
static int64_t integer_of(const json_t *value)
{
	if (json_is_string(value))
		return strtoll(json_string_value(value), NULL, 10);
	return json_integer_value(value);
}

int otlp_decode_json(const char *body, size_t len, struct otlp_partial *out)
{
	const char *message;
	json_t *response, *partial;

	memset(out, 0, sizeof(*out));
	if (!len)
		return 0;
	response = json_loadb(body, len, 0, NULL);
	if (!json_is_object(response)) {
		json_decref(response);
		return -EBADMSG;
	}
	partial = json_object_get(response, "partialSuccess");
	out->rejected_spans = integer_of(json_object_get(partial, "rejectedSpans"));
	message = json_string_value(json_object_get(partial, "errorMessage"));
	snprintf(out->message, sizeof(out->message), "%s", message ? message : "");
	json_decref(response);
	return 0;
}
