/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records into spans: the resource's names and precedence, attributes, hostile bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "export/model.h"
#include "export/text.h"
#include "tests/unit/export_sample.h"

static struct sample sample;

static const char *text_of(const struct model_attributes *list, const char *key)
{
	const struct model_attribute *a = model_find(list, key);

	return a ? a->text : NULL;
}

static void service_name_precedence(void **state)
{
	static const struct {
		const char *service, *resource, *want;
	} cases[] = {
		{ "shop", "service.name=other,x=1", "shop" },
		{ "", "x=1,service.name=sh%6Fp%20two", "shop two" },
		{ "", "x=1", "unknown_service:nginx" },
		{ "", "service.name=", "unknown_service:nginx" },
	};
	struct model_resource r;
	struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sample_header(&sample, "nginx", cases[i].service, cases[i].resource, "");
		model_resource_read(&a, &sample.source, "box", &r);
		assert_string_equal(r.service, cases[i].want);
		assert_string_equal(text_of(&r.attributes, "service.name"), cases[i].want);
	}
	arena_free(&a);
}

static void resource_attributes(void **state)
{
	struct model_resource r;
	struct arena a = { 0 };

	(void)state;
	sample_header(&sample, "nginx", "",
		      "host.name=mine,deployment.environment=a%2Cb,bad,os.type=plan9", "");
	model_resource_read(&a, &sample.source, "box", &r);
	assert_string_equal(text_of(&r.attributes, "host.name"), "mine");
	assert_string_equal(text_of(&r.attributes, "deployment.environment"), "a,b");
	assert_string_equal(text_of(&r.attributes, "os.type"), "plan9");
	assert_string_equal(text_of(&r.attributes, "telemetry.sdk.name"), "ctxagent");
	assert_string_equal(text_of(&r.attributes, "telemetry.sdk.language"), "cpp");
	assert_string_equal(text_of(&r.attributes, "telemetry.sdk.version"), CTXAGENT_VERSION);
	assert_string_equal(text_of(&r.attributes, "process.executable.name"), "nginx");
	assert_int_equal(model_find(&r.attributes, "process.pid")->number, 4242);
	for (uint32_t i = 0; i < r.attributes.count; i++)
		assert_ptr_equal(model_find(&r.attributes, r.attributes.list[i].key),
				 &r.attributes.list[i]);
	sample_header(&sample, "nginx", "", "", "");
	model_resource_read(&a, &sample.source, "box", &r);
	assert_string_equal(text_of(&r.attributes, "host.name"), "box");
	model_resource_read(&a, &sample.source, NULL, &r);
	assert_null(text_of(&r.attributes, "host.name"));
	arena_free(&a);
}

static void span_fields(void **state)
{
	struct record_span *span;
	struct model_resource r;
	struct arena a = { 0 };
	struct model_span m;

	(void)state;
	sample_header(&sample, "nginx", "", "", "user.id=4%32,job.id=7,url.path=never");
	span = sample_span(&sample, 0xab, 0xcd, 0xef);
	span->rule = 4;
	span->tid = 99;
	span->parent_remote = 1;
	span->status = STATUS_ERROR;
	sample_text(span, ATTRIBUTE_HTTP_REQUEST_METHOD, "PUT");
	sample_text(span, ATTRIBUTE_URL_PATH, "/a");
	sample_number(span, ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, 500);
	sample_text(span, ATTRIBUTE_TRACE_STATE, "k=v,x=y");
	model_resource_read(&a, &sample.source, NULL, &r);
	assert_int_equal(model_span_read(&a, &r, &span->record, &m), 0);
	assert_true(m.has_parent && m.parent_remote);
	assert_int_equal(m.trace_id[15], 0xab);
	assert_int_equal(m.parent_id[7], 0xef);
	assert_true(m.start_ns == SAMPLE_REALTIME + 1000000);
	assert_true(m.end_ns == SAMPLE_REALTIME + 4000000);
	assert_string_equal(m.trace_state, "k=v,x=y");
	assert_null(model_find(&m.attributes, "ctxagent.tracestate"));
	assert_string_equal(text_of(&m.attributes, "ctxagent.tier"), "exact");
	assert_string_equal(text_of(&m.attributes, "ctxagent.rule"), "R4");
	assert_string_equal(text_of(&m.attributes, "user.id"), "42");
	assert_string_equal(text_of(&m.attributes, "job.id"), "7");
	assert_string_equal(text_of(&m.attributes, "url.path"), "/a");
	assert_int_equal(model_find(&m.attributes, "http.response.status_code")->number, 500);
	assert_int_equal(model_find(&m.attributes, "thread.id")->number, 99);
	assert_string_equal(model_span_name(&m), "PUT");
	arena_free(&a);
}

static void names_without_a_known_method(void **state)
{
	struct record_span *span;
	struct model_resource r;
	struct arena a = { 0 };
	struct model_span m;

	(void)state;
	sample_header(&sample, "nginx", "", "", "");
	model_resource_read(&a, &sample.source, NULL, &r);
	span = sample_span(&sample, 1, 2, 0);
	assert_int_equal(model_span_read(&a, &r, &span->record, &m), 0);
	assert_false(m.has_parent);
	assert_string_equal(model_span_name(&m), "HTTP");
	sample_text(span, ATTRIBUTE_HTTP_REQUEST_METHOD, "_OTHER");
	assert_int_equal(model_span_read(&a, &r, &span->record, &m), 0);
	assert_string_equal(model_span_name(&m), "HTTP");
	arena_free(&a);
}

static void hostile_records(void **state)
{
	struct record_span *span;
	struct model_resource r;
	struct arena a = { 0 };
	struct model_span m;

	(void)state;
	sample_header(&sample, "x\xff\x01", "", "", "");
	model_resource_read(&a, &sample.source, NULL, &r);
	assert_string_equal(r.executable, "x\xef\xbf\xbd\x01");
	span = sample_span(&sample, 0, 2, 0);
	assert_true(model_span_read(&a, &r, &span->record, &m) < 0);
	span = sample_span(&sample, 1, 0, 0);
	assert_true(model_span_read(&a, &r, &span->record, &m) < 0);
	span = sample_span(&sample, 1, 2, 0);
	span->record.kind = RECORD_PAD;
	assert_true(model_span_read(&a, &r, &span->record, &m) < 0);
	span = sample_span(&sample, 1, 2, 0);
	span->tier = 200;
	span->kind = 99;
	span->status = 77;
	span->end_ns = 3;
	sample_bytes(span, ATTRIBUTE_URL_PATH, "/a\0\xc3(", 5);
	sample_bytes(span, 60000, "what", 4);
	if (!model_span_read(&a, &r, &span->record, &m)) {
		assert_true(m.end_ns >= m.start_ns);
		assert_string_equal(text_of(&m.attributes, "ctxagent.tier"), "none");
		assert_true(m.kind <= SPAN_CLIENT && m.status <= STATUS_ERROR);
		assert_string_equal(text_of(&m.attributes, "url.path"),
				    "/a\xef\xbf\xbd\xef\xbf\xbd(");
	}
	arena_free(&a);
}

static void utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, want;
	} cases[] = {
		{"a", 1, 1},
		{"\xc3\xa9", 2, 2},
		{"\xc3", 1, 0},
		{"\xc0\x80", 2, 0},
		{"\xe2\x82\xac", 3, 3},
		{"\xe0\x9f\xbf", 3, 0},
		{"\xed\xa0\x80", 3, 0},
		{"\xf0\x9f\x98\x80", 4, 4},
		{"\xf0\x8f\xbf\xbf", 4, 0},
		{"\xf4\x8f\xbf\xbf", 4, 4},
		{"\xf4\x90\x80\x80", 4, 0},
		{"\xf5\x80\x80\x80", 4, 0},
		{"\xe2\x82", 2, 0},
		{"\x80", 1, 0},
		{"\xe2\x28\xa1", 3, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(text_utf8_length(cases[i].bytes, cases[i].len), cases[i].want);
}

static void terminals_get_no_control_characters(void **state)
{
	char out[128] = "";
	FILE *f = fmemopen(out, sizeof(out), "w");

	(void)state;
	text_print(f, "a\033[31m\x7f\xc2\x9b" "b\xc3\xa9");
	fclose(f);
	assert_string_equal(out, "a\\x1b[31m\\x7f\\x9bb\xc3\xa9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(service_name_precedence),
		cmocka_unit_test(resource_attributes),
		cmocka_unit_test(span_fields),
		cmocka_unit_test(names_without_a_known_method),
		cmocka_unit_test(hostile_records),
		cmocka_unit_test(utf8),
		cmocka_unit_test(terminals_get_no_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
