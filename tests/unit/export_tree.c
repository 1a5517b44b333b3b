/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace trees as text, compared with what a person should see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "export/tree.h"
#include "tests/unit/export_sample.h"

static struct sample sample;

struct made {
	struct tree tree;
	struct arena arena;
	struct model_resource resource;
	char *text;
	size_t size;
};

static void set_process(struct made *m, const char *service)
{
	sample_header(&sample, "exe", service, "", "");
	model_resource_read(&m->arena, &sample.source, NULL, &m->resource);
}

static void add(struct made *m, struct record_span *span)
{
	struct model_span s;

	assert_int_equal(model_span_read(&m->arena, &m->resource, &span->record, &s), 0);
	tree_add(&m->tree, &m->resource, &s);
}

/** A span of @ms that begins @at_us after the trace. */
static struct record_span *span_of(uint8_t trace, uint8_t id, uint8_t parent, unsigned int kind,
				   unsigned int at_us, double ms, const char *path)
{
	struct record_span *span = sample_span(&sample, trace, id, parent);

	span->kind = (uint8_t)kind;
	span->start_ns = SAMPLE_MONOTONIC + at_us * 1000ull;
	span->end_ns = span->start_ns + (uint64_t)(ms * 1e6);
	sample_text(span, ATTRIBUTE_HTTP_REQUEST_METHOD, "GET");
	sample_text(span, kind == SPAN_CLIENT ? ATTRIBUTE_URL_FULL : ATTRIBUTE_URL_PATH, path);
	return span;
}

static int64_t print(struct made *m, bool colour)
{
	struct tree_style style = { .colour = colour };
	FILE *f = open_memstream(&m->text, &m->size);
	int64_t traces;

	tree_arrange(&m->tree);
	traces = tree_print(&m->tree, f, &style);
	fclose(f);
	return traces;
}

static void release(struct made *m)
{
	tree_free(&m->tree);
	arena_free(&m->arena);
	free(m->text);
}

static void one_trace_over_three_programs(void **state)
{
	static const char want[] =
		"trace 11111111111111111111111111111111  5 spans, 3 services, 12.3 ms, 2023-11-14 "
		"22:13:20.000\n"
		"      +0 ms    12.3 ms  GET /a  200  server  haproxy\n"
		"    +200 us    11.0 ms    GET /a  200  client  haproxy\n"
		"    +400 us    10.0 ms      GET /a  200  server  nginx\n"
		"    +500 us    2.00 ms        GET /b  503  error  client  nginx  (parent "
		"inferred)\n"
		"   +3.50 ms    6.00 ms        GET /c  error timeout  client  app\n";
	struct made m = { 0 };
	struct record_span *span;

	(void)state;
	set_process(&m, "app");
	span = span_of(0x11, 5, 3, SPAN_CLIENT, 3500, 6, "http://h:1/c");
	span->status = STATUS_ERROR;
	sample_text(span, ATTRIBUTE_ERROR_TYPE, "timeout");
	add(&m, span);
	set_process(&m, "nginx");
	span = span_of(0x11, 4, 3, SPAN_CLIENT, 500, 2, "http://h:1/b");
	span->status = STATUS_ERROR;
	span->tier = TIER_INFERRED;
	sample_text(span, ATTRIBUTE_ERROR_TYPE, "503");
	sample_number(span, ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, 503);
	add(&m, span);
	span = span_of(0x11, 3, 2, SPAN_SERVER, 400, 10, "/a");
	sample_number(span, ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, 200);
	add(&m, span);
	set_process(&m, "haproxy");
	span = span_of(0x11, 2, 1, SPAN_CLIENT, 200, 11, "http://h:1/a");
	sample_number(span, ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, 200);
	add(&m, span);
	span = span_of(0x11, 1, 0, SPAN_SERVER, 0, 12.3, "/a");
	sample_number(span, ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, 200);
	add(&m, span);
	assert_int_equal(print(&m, false), 1);
	assert_string_equal(m.text, want);
	release(&m);
}

static void orphans_loops_and_order(void **state)
{
	static const char want[] = "trace 22222222222222222222222222222222  1 span, 1 service, "
				   "1.00 ms, 2023-11-14 22:13:20.000\n"
				   "      +0 ms    1.00 ms  GET /first  server  s  (caller "
				   "0909090909090909 is not here)\n"
				   "\n"
				   "trace 11111111111111111111111111111111  4 spans, 1 service, "
				   "5.00 ms, 2023-11-14 22:13:20.001\n"
				   "      +0 ms    1.00 ms  GET /orphan  server  s  (orphan: "
				   "parent 0707070707070707 is not here)\n"
				   "   +1.00 ms    1.00 ms  GET /loop1  server  s  (orphan: parent "
				   "0303030303030303 is not here)\n"
				   "   +2.00 ms    1.00 ms    GET /loop2  server  s\n"
				   "   +3.00 ms    2.00 ms  GET /self  server  s  (orphan: parent "
				   "0404040404040404 is not here)\n";
	struct record_span *span;
	struct made m = { 0 };

	(void)state;
	set_process(&m, "s");
	add(&m, span_of(0x11, 4, 4, SPAN_SERVER, 4000, 2, "/self"));
	add(&m, span_of(0x11, 3, 2, SPAN_SERVER, 3000, 1, "/loop2"));
	add(&m, span_of(0x11, 2, 3, SPAN_SERVER, 2000, 1, "/loop1"));
	add(&m, span_of(0x11, 1, 7, SPAN_SERVER, 1000, 1, "/orphan"));
	span = span_of(0x22, 5, 9, SPAN_SERVER, 0, 1, "/first");
	span->parent_remote = 1;
	add(&m, span);
	assert_int_equal(print(&m, false), 2);
	assert_string_equal(m.text, want);
	release(&m);
}

static void colour_and_control_characters(void **state)
{
	struct made m = { 0 };

	(void)state;
	set_process(&m, "evil\033[2J");
	add(&m, span_of(0x11, 1, 0, SPAN_SERVER, 0, 1, "/\033]0;x\007"));
	assert_int_equal(print(&m, true), 1);
	assert_non_null(strstr(m.text, "\033[1mGET /\\x1b]0;x\\x07\033[0m"));
	assert_non_null(strstr(m.text, "evil\\x1b[2J"));
	release(&m);
}

/** A hundred thousand spans in one trace, each the child of the one before: no recursion, no
 * square. */
static void deep_and_wide(void **state)
{
	struct record_span *span;
	struct made m = { 0 };

	(void)state;
	set_process(&m, "s");
	for (uint64_t i = 1; i <= 100000; i++) {
		span = span_of(0x11, 1, 0, SPAN_SERVER, 0, 1, "/");
		span->start_ns += i;
		memcpy(span->span_id, &i, 8);
		if (i > 1)
			memcpy(span->parent_id, &(uint64_t){ i % 2 ? i - 1 : 1 }, 8);
		add(&m, span);
		if (i % 512 == 0) {
			arena_reset(&m.arena);
			set_process(&m, "s");
		}
	}
	assert_int_equal(print(&m, false), 1);
	assert_null(strstr(m.text, "orphan"));
	release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_trace_over_three_programs),
		cmocka_unit_test(orphans_loops_and_order),
		cmocka_unit_test(colour_and_control_characters),
		cmocka_unit_test(deep_and_wide),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
