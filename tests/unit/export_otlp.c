/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP: what was encoded is decoded again, by the protobuf and JSON libraries, and compared field
 * by field; and what receivers answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "export/otlp.h"
#include "otlp.pb-c.h"
#include "tests/unit/export_sample.h"

static struct sample sample;

static void fill(struct batch *b)
{
	struct record_span *span;

	sample_header(&sample, "nginx", "shop", "deployment.environment=test", "job.id=7");
	span = sample_span(&sample, 0x11, 0x22, 0x33);
	span->kind = SPAN_CLIENT;
	span->status = STATUS_ERROR;
	span->parent_remote = 1;
	span->flags = 3;
	span->rule = 2;
	sample_text(span, ATTRIBUTE_HTTP_REQUEST_METHOD, "GET");
	sample_number(span, ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, -5);
	sample_number(span, ATTRIBUTE_HTTP_RESPONSE_BODY_SIZE, INT64_MAX);
	sample_text(span, ATTRIBUTE_TRACE_STATE, "a=b");
	sample_text(span, ATTRIBUTE_LINK, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
	assert_true(batch_add(b, &sample.source, "box", &span->record));
	span = sample_span(&sample, 0x11, 0x44, 0);
	assert_true(batch_add(b, &sample.source, "box", &span->record));
	sample.header.pid = 4343;
	span = sample_span(&sample, 0x55, 0x66, 0x22);
	assert_true(batch_add(b, &sample.source, "box", &span->record));
}

/* ---- protobuf ---- */

static const Opentelemetry__Proto__AnyValue *pb_find(Opentelemetry__Proto__KeyValue **list,
						     size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i]->key, key))
			return list[i]->value;
	fail_msg("no attribute %s", key);
	return NULL;
}

static void check_pb_client(const Opentelemetry__Proto__Span *s)
{
	static const uint8_t trace[16] = { 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
					   0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };

	assert_int_equal(s->trace_id.len, 16);
	assert_memory_equal(s->trace_id.data, trace, 16);
	assert_int_equal(s->span_id.len, 8);
	assert_int_equal(s->span_id.data[0], 0x22);
	assert_int_equal(s->parent_span_id.len, 8);
	assert_int_equal(s->parent_span_id.data[7], 0x33);
	assert_string_equal(s->trace_state, "a=b");
	assert_int_equal(s->n_links, 1);
	assert_int_equal(s->links[0]->trace_id.len, 16);
	assert_int_equal(s->links[0]->trace_id.data[0], 0x4b);
	assert_int_equal(s->links[0]->span_id.len, 8);
	assert_int_equal(s->links[0]->span_id.data[7], 0xb7);
	assert_string_equal(s->name, "GET");
	assert_int_equal(s->kind, OPENTELEMETRY__PROTO__SPAN__SPAN_KIND__SPAN_KIND_CLIENT);
	assert_true(s->start_time_unix_nano == SAMPLE_REALTIME + 1000000);
	assert_true(s->end_time_unix_nano == SAMPLE_REALTIME + 4000000);
	assert_int_equal(s->flags, 0x303);
	assert_int_equal(s->status->code,
			 OPENTELEMETRY__PROTO__STATUS__STATUS_CODE__STATUS_CODE_ERROR);
	assert_string_equal(pb_find(s->attributes, s->n_attributes, "ctxagent.tier")->string_value,
			    "exact");
	assert_string_equal(pb_find(s->attributes, s->n_attributes, "ctxagent.rule")->string_value,
			    "R2");
	assert_string_equal(pb_find(s->attributes, s->n_attributes, "job.id")->string_value, "7");
	assert_true(
		pb_find(s->attributes, s->n_attributes, "http.response.status_code")->int_value ==
		-5);
	assert_true(pb_find(s->attributes, s->n_attributes, "http.response.body.size")->int_value ==
		    INT64_MAX);
}

static void protobuf_there_and_back(void **state)
{
	Opentelemetry__Proto__ExportTraceServiceRequest *r;
	const Opentelemetry__Proto__ScopeSpans *scope;
	const Opentelemetry__Proto__Resource *resource;
	struct batch *b = calloc(1, sizeof(*b));
	struct arena scratch = { 0 };
	struct buffer out = { 0 };

	(void)state;
	fill(b);
	otlp_encode_protobuf(b, &scratch, &out);
	r = opentelemetry__proto__export_trace_service_request__unpack(NULL, out.len,
								       (uint8_t *)out.data);
	assert_non_null(r);
	assert_int_equal(r->n_resource_spans, 2);
	resource = r->resource_spans[0]->resource;
	assert_string_equal(
		pb_find(resource->attributes, resource->n_attributes, "service.name")->string_value,
		"shop");
	assert_true(
		pb_find(resource->attributes, resource->n_attributes, "process.pid")->int_value ==
		4242);
	assert_int_equal(r->resource_spans[0]->n_scope_spans, 1);
	scope = r->resource_spans[0]->scope_spans[0];
	assert_string_equal(scope->scope->name, "ctxagent");
	assert_int_equal(scope->n_spans, 2);
	check_pb_client(scope->spans[0]);
	assert_int_equal(scope->spans[1]->parent_span_id.len, 0);
	assert_int_equal(scope->spans[1]->flags, 0x101);
	assert_int_equal(r->resource_spans[1]->scope_spans[0]->n_spans, 1);
	opentelemetry__proto__export_trace_service_request__free_unpacked(r, NULL);
	buffer_free(&out);
	arena_free(&scratch);
	batch_free(b);
	free(b);
}

/* ---- JSON ---- */

static const json_t *json_find(const json_t *owner, const char *key)
{
	const json_t *list = json_object_get(owner, "attributes");
	size_t count = json_array_size(list);

	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);

		if (!strcmp(json_string_value(json_object_get(item, "key")), key))
			return json_object_get(item, "value");
	}
	fail_msg("no attribute %s", key);
	return NULL;
}

static void assert_text(const json_t *owner, const char *key, const char *want)
{
	assert_non_null(json_object_get(owner, key));
	assert_string_equal(json_string_value(json_object_get(owner, key)), want);
}

static void check_json_client(const json_t *s)
{
	assert_text(s, "traceId", "11111111111111111111111111111111");
	assert_text(s, "spanId", "2222222222222222");
	assert_text(s, "parentSpanId", "3333333333333333");
	assert_text(s, "traceState", "a=b");
	assert_text(s, "name", "GET");
	assert_text(s, "startTimeUnixNano", "1700000000001000000");
	assert_text(s, "endTimeUnixNano", "1700000000004000000");
	assert_int_equal(json_integer_value(json_object_get(s, "kind")), 3);
	assert_int_equal(json_integer_value(json_object_get(s, "flags")), 0x303);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(s, "status"), "code")),
			 2);
	assert_text(json_find(s, "http.response.status_code"), "intValue", "-5");
	assert_text(json_find(s, "http.response.body.size"), "intValue", "9223372036854775807");
	assert_text(json_find(s, "job.id"), "stringValue", "7");
}

static void json_there_and_back(void **state)
{
	struct batch *b = calloc(1, sizeof(*b));
	const json_t *groups, *spans, *scope;
	struct arena scratch = { 0 };
	struct buffer out = { 0 };
	json_t *r;

	(void)state;
	fill(b);
	otlp_encode_json(b, &scratch, &out);
	assert_null(memchr(out.data, '\n', out.len));
	r = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	groups = json_object_get(r, "resourceSpans");
	assert_int_equal(json_array_size(groups), 2);
	assert_text(
		json_find(json_object_get(json_array_get(groups, 0), "resource"), "service.name"),
		"stringValue", "shop");
	assert_text(
		json_find(json_object_get(json_array_get(groups, 1), "resource"), "process.pid"),
		"intValue", "4343");
	scope = json_array_get(json_object_get(json_array_get(groups, 0), "scopeSpans"), 0);
	assert_text(json_object_get(scope, "scope"), "name", "ctxagent");
	spans = json_object_get(scope, "spans");
	assert_int_equal(json_array_size(spans), 2);
	check_json_client(json_array_get(spans, 0));
	assert_null(json_object_get(json_array_get(spans, 1), "parentSpanId"));
	assert_null(json_object_get(json_array_get(spans, 1), "traceState"));
	assert_null(json_object_get(json_array_get(spans, 1), "links"));
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(
				json_array_get(spans, 0), "links"), 0), "traceId")),
			    "4bf92f3577b34da6a3ce929d0e0e4736");
	json_decref(r);
	buffer_free(&out);
	arena_free(&scratch);
	batch_free(b);
	free(b);
}

/* ---- batches ---- */

static void batches_are_bounded(void **state)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct record_span *span;
	unsigned int added = 0;

	(void)state;
	sample_header(&sample, "nginx", "", "", "");
	span = sample_span(&sample, 1, 2, 0);
	while (batch_add(b, &sample.source, NULL, &span->record))
		added++;
	assert_int_equal(added, BATCH_SPANS);
	batch_reset(b);
	span->record.size = RECORD_MAX;
	for (added = 0; batch_add(b, &sample.source, NULL, &span->record); added++)
		;
	assert_int_equal(added, BATCH_BYTES / RECORD_MAX);
	assert_non_null(b->groups);
	assert_null(b->groups->next);
	batch_free(b);
	free(b);
}

/* ---- responses ---- */

static void protobuf_responses(void **state)
{
	/* partial_success { rejected_spans: 3, error_message: "no" } */
	static const char some[] = "\x0a\x06\x08\x03\x12\x02no";
	struct otlp_partial p;

	(void)state;
	assert_int_equal(otlp_decode_protobuf("", 0, &p), 0);
	assert_int_equal(p.rejected_spans, 0);
	assert_int_equal(otlp_decode_protobuf(some, sizeof(some) - 1, &p), 0);
	assert_int_equal(p.rejected_spans, 3);
	assert_string_equal(p.message, "no");
	assert_true(otlp_decode_protobuf("<html>", 6, &p) < 0);
	assert_int_equal(p.rejected_spans, 0);
}

static void json_responses(void **state)
{
	static const char some[] =
		"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"no\"}}";
	static const char number[] = "{\"partialSuccess\":{\"rejectedSpans\":4}}";
	struct otlp_partial p;

	(void)state;
	assert_int_equal(otlp_decode_json("{}", 2, &p), 0);
	assert_int_equal(p.rejected_spans, 0);
	assert_int_equal(otlp_decode_json("", 0, &p), 0);
	assert_int_equal(otlp_decode_json(some, sizeof(some) - 1, &p), 0);
	assert_int_equal(p.rejected_spans, 3);
	assert_string_equal(p.message, "no");
	assert_int_equal(otlp_decode_json(number, sizeof(number) - 1, &p), 0);
	assert_int_equal(p.rejected_spans, 4);
	assert_true(otlp_decode_json("<html>", 6, &p) < 0);
	assert_true(otlp_decode_json("[1]", 3, &p) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protobuf_there_and_back), cmocka_unit_test(json_there_and_back),
		cmocka_unit_test(batches_are_bounded),	   cmocka_unit_test(protobuf_responses),
		cmocka_unit_test(json_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
