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

/* Texts are UTF-8 and keys are ours: jansson need not check them again. */
static void set(json_t *to, const char *key, json_t *value)
{
	json_object_set_new_nocheck(to, key, value);
}

static json_t *json_text(const char *text)
{
	return json_string_nocheck(text);
}

static json_t *json_u64(uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return json_text(text);
}

static json_t *json_hex(const uint8_t *bytes, size_t len)
{
	char text[2 * 16 + 1];

	text_hex(bytes, len, text);
	return json_text(text);
}

static json_t *json_value(const struct model_attribute *attribute)
{
	json_t *value = json_object();
	char text[24];

	if (attribute->text) {
		set(value, "stringValue", json_text(attribute->text));
	} else {
		snprintf(text, sizeof(text), "%" PRId64, attribute->number);
		set(value, "intValue", json_text(text));
	}
	return value;
}

static void set_attributes(json_t *to, const struct model_attributes *from)
{
	json_t *list = json_array();
	json_t *pair;

	for (uint32_t i = 0; i < from->count; i++) {
		pair = json_object();
		set(pair, "key", json_text(from->list[i].key));
		set(pair, "value", json_value(&from->list[i]));
		json_array_append_new(list, pair);
	}
	set(to, "attributes", list);
	if (from->dropped)
		set(to, "droppedAttributesCount", json_integer(from->dropped));
}

static json_t *json_links(const struct span_context *to)
{
	json_t *link = json_object(), *list = json_array();

	set(link, "traceId", json_hex(to->trace_id, sizeof(to->trace_id)));
	set(link, "spanId", json_hex(to->span_id, sizeof(to->span_id)));
	json_array_append_new(list, link);
	return list;
}

static json_t *json_span(const struct model_span *from)
{
	json_t *span = json_object();
	json_t *status = json_object();

	set(span, "traceId", json_hex(from->trace_id, sizeof(from->trace_id)));
	set(span, "spanId", json_hex(from->span_id, sizeof(from->span_id)));
	if (from->trace_state)
		set(span, "traceState", json_text(from->trace_state));
	if (from->has_parent)
		set(span, "parentSpanId", json_hex(from->parent_id, sizeof(from->parent_id)));
	set(span, "flags", json_integer(otlp_span_flags(from)));
	set(span, "name", json_text(model_span_name(from)));
	set(span, "kind", json_integer(from->kind));
	set(span, "startTimeUnixNano", json_u64(from->start_ns));
	set(span, "endTimeUnixNano", json_u64(from->end_ns));
	set_attributes(span, &from->attributes);
	if (from->linked)
		set(span, "links", json_links(&from->link));
	if (from->status)
		set(status, "code", json_integer(from->status));
	set(span, "status", status);
	return span;
}

static json_t *json_group(struct arena *scratch, const struct batch *b,
			  const struct batch_group *group)
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
	return json_pack("{s:o, s:[{s:{s:s, s:s}, s:o}]}", "resource", resource, "scopeSpans",
			 "scope", "name", MODEL_SCOPE, "version", CTXAGENT_VERSION, "spans", spans);
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
