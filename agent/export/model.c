/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records into spans; see model.h. The reader has checked every length; what the bytes say is still
 * anybody's, so numbers are brought into their range and texts into UTF-8.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "export/model.h"
#include "export/text.h"

static const char *const tier_names[] = {
	[TIER_NONE] = "none",
	[TIER_EXACT] = "exact",
	[TIER_WITNESSED] = "witnessed",
	[TIER_INFERRED] = "inferred",
	[TIER_AMBIGUOUS] = "ambiguous",
};

#define TIER_COUNT (sizeof(tier_names) / sizeof(tier_names[0]))

const char *model_tier_name(unsigned int tier)
{
	return tier < TIER_COUNT ? tier_names[tier] : tier_names[TIER_NONE];
}

const struct model_attribute *model_find(const struct model_attributes *attributes, const char *key)
{
	for (uint32_t i = 0; i < attributes->count; i++)
		if (!strcmp(attributes->list[i].key, key))
			return &attributes->list[i];
	return NULL;
}

/** Adds @attribute unless its key is there already: who comes first wins. */
static void add(struct arena *a, struct model_attributes *to,
		const struct model_attribute *attribute)
{
	if (!*attribute->key || model_find(to, attribute->key))
		return;
	if (to->count >= MODEL_ATTRIBUTES_MAX) {
		to->dropped++;
		return;
	}
	if (!to->list)
		to->list = arena_get(a, MODEL_ATTRIBUTES_MAX * sizeof(*to->list));
	to->list[to->count++] = *attribute;
}

static void add_text(struct arena *a, struct model_attributes *to, const char *key,
		     const char *text)
{
	add(a, to, &(struct model_attribute){ .key = key, .text = text });
}

static void add_number(struct arena *a, struct model_attributes *to, const char *key,
		       int64_t number)
{
	add(a, to, &(struct model_attribute){ .key = key, .number = number });
}

/* ---- resource ---- */

static const char *source_text(struct arena *a, const struct reader_source *source,
			       enum reader_text which)
{
	char text[READER_TEXT_SIZE];

	return text_copy(a, text, reader_text(source, which, text));
}

static void add_pairs(struct arena *a, struct model_attributes *to, const char *list)
{
	struct config_pair pair;

	while (config_next_pair(&list, &pair))
		add_text(a, to, text_decode(a, pair.key, pair.key_len),
			 text_decode(a, pair.value, pair.value_len));
}

static void name_service(struct arena *a, struct model_resource *r, const char *service,
			 const char *resource)
{
	struct model_attributes given = { 0 };
	const struct model_attribute *named;
	size_t size = strlen(r->executable) + sizeof("unknown_service:");
	char *unknown;

	add_pairs(a, &given, resource);
	named = model_find(&given, "service.name");
	if (*service) {
		r->service = service;
	} else if (named && *named->text) {
		r->service = named->text;
	} else {
		unknown = arena_get(a, size);
		snprintf(unknown, size, "unknown_service:%s", r->executable);
		r->service = unknown;
	}
	add_text(a, &r->attributes, "service.name", r->service);
}

void model_resource_read(struct arena *a, const struct reader_source *source, const char *host,
			 struct model_resource *out)
{
	const char *resource = source_text(a, source, READER_RESOURCE);

	memset(out, 0, sizeof(*out));
	out->executable = source_text(a, source, READER_EXECUTABLE);
	out->pid = source->header->pid;
	out->generation = source->header->generation;
	out->realtime_offset_ns = reader_wall_ns(source, 0);

	name_service(a, out, source_text(a, source, READER_SERVICE), resource);
	add_text(a, &out->attributes, "telemetry.sdk.name", "ctxagent");
	add_text(a, &out->attributes, "telemetry.sdk.language", "cpp");
	add_text(a, &out->attributes, "telemetry.sdk.version", CTXAGENT_VERSION);
	add_pairs(a, &out->attributes, resource); /* the user's word before what we found out */
	add_number(a, &out->attributes, "process.pid", out->pid);
	add_text(a, &out->attributes, "process.executable.name", out->executable);
	if (host)
		add_text(a, &out->attributes, "host.name", host);
	add_text(a, &out->attributes, "os.type", "linux");
	add_pairs(a, &out->context, source_text(a, source, READER_CONTEXT));
}

/* ---- span ---- */

static void read_attributes(struct arena *a, struct model_span *out, const struct record_span *span)
{
	struct reader_attribute from;
	size_t at = 0;

	while (reader_next_attribute(span, &at, &from)) {
		if (from.is_number)
			add_number(a, &out->attributes, from.name, from.number);
		else if (from.key == ATTRIBUTE_LINK)
			out->linked = !traceparent_parse(from.text, from.len, &out->link);
		else if (from.key != ATTRIBUTE_TRACE_STATE)
			add_text(a, &out->attributes, from.name, text_copy(a, from.text, from.len));
		else if (from.len)
			out->trace_state = text_copy(a, from.text, from.len);
	}
}

static void add_own(struct arena *a, struct model_span *out, const struct model_resource *resource)
{
	char *rule;

	if (out->tid)
		add_number(a, &out->attributes, "thread.id", out->tid);
	add_text(a, &out->attributes, "ctxagent.tier", model_tier_name(out->tier));
	if (out->rule) {
		rule = arena_get(a, 8);
		snprintf(rule, 8, "R%u", out->rule);
		add_text(a, &out->attributes, "ctxagent.rule", rule);
	}
	for (uint32_t i = 0; i < resource->context.count; i++)
		add(a, &out->attributes, &resource->context.list[i]);
}

int model_span_read(struct arena *a, const struct model_resource *resource,
		    const struct record *record, struct model_span *out)
{
	const struct record_span *span = reader_span(record);

	if (!span || text_all_zero(span->trace_id, sizeof(span->trace_id)) ||
	    text_all_zero(span->span_id, sizeof(span->span_id)))
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	memcpy(out->trace_id, span->trace_id, sizeof(out->trace_id));
	memcpy(out->span_id, span->span_id, sizeof(out->span_id));
	memcpy(out->parent_id, span->parent_id, sizeof(out->parent_id));
	out->has_parent = !text_all_zero(out->parent_id, sizeof(out->parent_id));
	out->parent_remote = out->has_parent && span->parent_remote;
	out->start_ns = span->start_ns + resource->realtime_offset_ns;
	out->end_ns =
		out->start_ns + (span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0);
	out->kind = span->kind <= SPAN_CLIENT ? span->kind : 0;
	out->tier = span->tier < TIER_COUNT ? span->tier : TIER_NONE;
	out->rule = span->rule;
	out->flags = span->flags;
	out->status = span->status <= STATUS_ERROR ? span->status : STATUS_UNSET;
	out->tid = span->tid;
	read_attributes(a, out, span);
	add_own(a, out, resource);
	return 0;
}

const char *model_span_name(const struct model_span *span)
{
	const struct model_attribute *method = model_find(&span->attributes, "http.request.method");

	if (!method || !method->text || !*method->text || !strcmp(method->text, "_OTHER"))
		return "HTTP";
	return method->text;
}
