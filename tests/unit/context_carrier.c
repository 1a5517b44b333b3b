/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole heads: which header is one of ours and who the parent is. A head is given as text,
 * "name: value" lines; names and values end at a guard page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "context/context.h"
#include "tests/unit/guard.h"

#define TRACE  "12345678901234567890123456789012"
#define SPAN   "1234567890123456"
#define OTHER  "99999999999999999999999999999999"
#define PARENT "traceparent: 00-" TRACE "-" SPAN "-01\n"
#define B3     "b3: " OTHER "-aaaaaaaaaaaaaaaa"
#define MULTI  "X-B3-TraceId: " OTHER "\nX-B3-SpanId: aaaaaaaaaaaaaaaa\n"

#define W3C    (PROPAGATOR_TRACECONTEXT | PROPAGATOR_BAGGAGE | PROPAGATOR_REQUEST_ID)
#define ANY_B3 (PROPAGATOR_B3 | PROPAGATOR_B3MULTI)
#define ALL    (W3C | ANY_B3)

static char baggage[CONTEXT_BAGGAGE_MAX];

static struct context make(void)
{
	return (struct context){.baggage = baggage, .baggage_cap = sizeof(baggage)};
}

/* What a head said. */
struct answer {
	struct context ctx;
	struct carrier carrier;
	enum carrier_result result;
	int decision;
	int refused; /* the first refusal */
	int refusals;
};

static void add_line(struct answer *a, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t value_len = (size_t)(line + len - colon - 1);
	char *name = guard_copy(line, (size_t)(colon - line));
	char *value = guard_copy(colon + 1, value_len);
	int result = carrier_add(&a->carrier, context_field(name, (size_t)(colon - line)), value,
				 value_len);

	if (result) {
		a->refused = a->refusals ? a->refused : result;
		a->refusals++;
	}
	guard_free(name, (size_t)(colon - line));
	guard_free(value, value_len);
}

static void read_head(struct answer *a, const char *head, unsigned int propagators)
{
	a->ctx = make();
	a->refused = a->refusals = 0;
	a->decision = 99;
	carrier_init(&a->carrier, &a->ctx, propagators);
	while (*head) {
		size_t len = strcspn(head, "\n");

		add_line(a, head, len);
		head += len + (head[len] == '\n');
	}
	a->result = carrier_finish(&a->carrier, &a->decision);
	if (a->carrier.refusal) {
		a->refused = a->refusals ? a->refused : a->carrier.refusal;
		a->refusals++;
	}
}

static void trace_of(const struct context *ctx, char out[33])
{
	for (size_t i = 0; i < sizeof(ctx->span.trace_id); i++)
		snprintf(out + 2 * i, 3, "%02x", ctx->span.trace_id[i]);
}

static const struct {
	const char *what, *head;
	unsigned int propagators;
	const char *trace; /* NULL: no parent */
	int decision, flags;
	int refusals;
	enum context_refusal refused; /* the first one */
	const char *tracestate;
} heads[] = {
	{"nothing", "", ALL, NULL, -1, 0, 0, 0, ""},
	{"others only", "Host: x\nAccept: y\n", ALL, NULL, -1, 0, 0, 0, ""},
	{"a parent", PARENT, W3C, TRACE, 1, 1, 0, 0, ""},
	{"a parent not sampled", "traceparent: 00-" TRACE "-" SPAN "-00\n", W3C, TRACE, 0, 0, 0, 0,
	 ""},
	{"a random trace id", "traceparent: 00-" TRACE "-" SPAN "-02\n", W3C, TRACE, 0, 2, 0, 0,
	 ""},
	{"upper case", "TRACEPARENT: 00-" TRACE "-" SPAN "-01\nTRACESTATE: a=1\n", W3C, TRACE, 1, 1,
	 0, 0, "a=1"},
	{"mixed case", "TrAcEpArEnT: 00-" TRACE "-" SPAN "-01\nTrAcEsTaTe: a=1\n", W3C, TRACE, 1, 1,
	 0, 0, "a=1"},
	{"wrong name", "trace-parent: 00-" TRACE "-" SPAN "-01\n", W3C, NULL, -1, 0, 0, 0, ""},
	{"wrong name", "trace.parent: 00-" TRACE "-" SPAN "-01\n", W3C, NULL, -1, 0, 0, 0, ""},
	{"wrong state name", PARENT "trace-state: a=1\ntrace.state: b=1\n", W3C, TRACE, 1, 1, 0, 0,
	 ""},
	{"two parents", PARENT "traceparent: 00-" OTHER "-" SPAN "-01\n", W3C, NULL, -1, 0, 1,
	 REFUSAL_PARENT_TWICE, ""},
	{"the same twice", PARENT PARENT, W3C, NULL, -1, 0, 1, REFUSAL_PARENT_TWICE, ""},
	{"bad, then good", "traceparent: 00\n" PARENT, W3C, NULL, -1, 0, 2, REFUSAL_PARENT_LENGTH,
	 ""},
	{"good, then bad", PARENT "traceparent: 00\n", W3C, NULL, -1, 0, 1, REFUSAL_PARENT_TWICE,
	 ""},
	{"state without parent", "tracestate: a=1,b=2\n", W3C, NULL, -1, 0, 0, 0, ""},
	{"state with bad parent", "tracestate: a=1\ntraceparent: 00-" TRACE "-" SPAN "-0x\n", W3C,
	 NULL, -1, 0, 1, REFUSAL_PARENT_FORM, ""},
	{"state first", "tracestate: a=1\n" PARENT "tracestate: b=2\n", W3C, TRACE, 1, 1, 0, 0,
	 "a=1,b=2"},
	{"empty states", "tracestate:\n" PARENT "tracestate: a=1\ntracestate:\n", W3C, TRACE, 1, 1,
	 0, 0, "a=1"},
	{"bad state", PARENT "tracestate: a=1\ntracestate: B=1\ntracestate: c=1\n", W3C, TRACE, 1,
	 1, 1, REFUSAL_STATE_FORM, ""},
	{"two bad states", PARENT "tracestate: A=1\ntracestate: B=1\n", W3C, TRACE, 1, 1, 1,
	 REFUSAL_STATE_FORM, ""},
	{"key in two lines", PARENT "tracestate: a=1\ntracestate: a=2\n", W3C, TRACE, 1, 1, 1,
	 REFUSAL_STATE_FORM, ""},
	{"not selected", PARENT B3 "-1\n" MULTI "tracestate: !\nbaggage: !\nx-request-id:\n", 0,
	 NULL, -1, 0, 0, 0, ""},
	/* B3 alone */
	{"b3", B3 "-1\n", ANY_B3, OTHER, 1, 1, 0, 0, ""},
	{"b3 denied", B3 "-0\n", ANY_B3, OTHER, 0, 0, 0, 0, ""},
	{"b3 deferred", B3 "\n", ANY_B3, OTHER, -1, 0, 0, 0, ""},
	{"b3 debug", B3 "-d\n", ANY_B3, OTHER, 1, 1, 0, 0, ""},
	{"b3 deny only", "b3: 0\n", ANY_B3, NULL, 0, 0, 0, 0, ""},
	{"b3 accept only", "b3: 1\n", ANY_B3, NULL, 1, 0, 0, 0, ""},
	{"b3 bad", "b3: x\n", ANY_B3, NULL, -1, 0, 1, REFUSAL_B3_FORM, ""},
	{"b3 zero", "b3: " OTHER "-0000000000000000-1\n", ANY_B3, NULL, -1, 0, 1, REFUSAL_B3_ZERO,
	 ""},
	{"b3 by b3multi", B3 "-1\n", PROPAGATOR_B3MULTI, OTHER, 1, 1, 0, 0, ""},
	{"b3 brings no state", B3 "-1\ntracestate: a=1\n", ALL, OTHER, 1, 1, 0, 0, ""},
	/* X-B3 */
	{"multi", MULTI "X-B3-Sampled: 1\n", ANY_B3, OTHER, 1, 1, 0, 0, ""},
	{"multi denied", "X-B3-Sampled: 0\n" MULTI, ANY_B3, OTHER, 0, 0, 0, 0, ""},
	{"multi deferred", MULTI "X-B3-ParentSpanId: " SPAN "\n", ANY_B3, OTHER, -1, 0, 0, 0, ""},
	{"multi debug", MULTI "X-B3-Flags: 1\nX-B3-Sampled: 0\n", ANY_B3, OTHER, 1, 1, 0, 0, ""},
	{"multi debug last", MULTI "X-B3-Sampled: 0\nX-B3-Flags: 1\n", ANY_B3, OTHER, 1, 1, 0, 0,
	 ""},
	{"multi no debug", MULTI "X-B3-Sampled: 1\nX-B3-Flags: 0\n", ANY_B3, OTHER, 1, 1, 0, 0, ""},
	{"multi by b3", MULTI, PROPAGATOR_B3, OTHER, -1, 0, 0, 0, ""},
	{"multi, first counts", MULTI "X-B3-TraceId: " TRACE "\nX-B3-SpanId: " SPAN "\n", ANY_B3,
	 OTHER, -1, 0, 0, 0, ""},
	{"multi, first state", MULTI "X-B3-Sampled: 0\nX-B3-Sampled: 1\n", ANY_B3, OTHER, 0, 0, 0,
	 0, ""},
	{"deny only", "X-B3-Sampled: 0\n", ANY_B3, NULL, 0, 0, 0, 0, ""},
	{"accept only", "X-B3-Sampled: true\n", ANY_B3, NULL, 1, 0, 0, 0, ""},
	{"trace id alone", "X-B3-TraceId: " OTHER "\n", ANY_B3, NULL, -1, 0, 1, REFUSAL_B3_PARTIAL,
	 ""},
	{"span id alone", "X-B3-SpanId: " SPAN "\nX-B3-Sampled: 1\n", ANY_B3, NULL, 1, 0, 1,
	 REFUSAL_B3_PARTIAL, ""},
	{"multi bad trace", "X-B3-TraceId: 12\nX-B3-SpanId: " SPAN "\n", ANY_B3, NULL, -1, 0, 1,
	 REFUSAL_B3_FORM, ""},
	{"multi bad parent", MULTI "X-B3-ParentSpanId: 1\n", ANY_B3, NULL, -1, 0, 1,
	 REFUSAL_B3_FORM, ""},
	{"multi bad state", MULTI "X-B3-Sampled: yes\n", ANY_B3, NULL, -1, 0, 1, REFUSAL_B3_FORM,
	 ""},
	/* single before multi */
	{"single wins",
	 "X-B3-TraceId: " TRACE "\nX-B3-SpanId: " SPAN "\nX-B3-Sampled: 0\n" B3 "-1\n", ANY_B3,
	 OTHER, 1, 1, 0, 0, ""},
	{"single came first",
	 B3 "-1\nX-B3-TraceId: " TRACE "\nX-B3-SpanId: " SPAN "\nX-B3-Sampled: 0\n", ANY_B3, OTHER,
	 1, 1, 0, 0, ""},
	{"single defers", B3 "\nX-B3-Sampled: 0\n", ANY_B3, OTHER, -1, 0, 0, 0, ""},
	{"single without ids", "b3: 0\n" MULTI, ANY_B3, NULL, 0, 0, 0, 0, ""},
	{"ids, then a single", MULTI "b3: 0\n", ANY_B3, NULL, 0, 0, 0, 0, ""},
	{"first single", B3 "-1\nb3: " TRACE "-" SPAN "-0\n", ANY_B3, OTHER, 1, 1, 0, 0, ""},
	/* both worlds */
	{"W3C wins", B3 "-0\n" PARENT MULTI, ALL, TRACE, 1, 1, 0, 0, ""},
	{"bad b3 beside W3C", "b3: x\n" PARENT, ALL, TRACE, 1, 1, 1, REFUSAL_B3_FORM, ""},
	{"bad W3C beside b3", B3 "-1\ntraceparent: x\n", ALL, NULL, 1, 0, 1, REFUSAL_PARENT_LENGTH,
	 ""},
	{"two W3C beside b3", B3 "-0\n" PARENT PARENT, ALL, NULL, 0, 0, 1, REFUSAL_PARENT_TWICE,
	 ""},
	{"W3C not selected", B3 "-1\ntraceparent: x\n", ANY_B3, OTHER, 1, 1, 0, 0, ""},
};

static void test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct answer a;
		char trace[33], none[33];

		memset(none, '0', 32);
		none[32] = 0;
		read_head(&a, heads[i].head, heads[i].propagators);
		trace_of(&a.ctx, trace);
		if (a.result != (heads[i].trace ? CARRIER_PARENT : CARRIER_NONE) ||
		    strcmp(trace, heads[i].trace ? heads[i].trace : none) != 0 ||
		    a.decision != heads[i].decision || a.ctx.span.flags != heads[i].flags ||
		    a.refusals != heads[i].refusals)
			fail_msg("%s: result %d, trace %s, decision %d, flags %d, refusals %d",
				 heads[i].what, a.result, trace, a.decision, a.ctx.span.flags,
				 a.refusals);
		if (a.refusals && context_refused(a.refused) != heads[i].refused)
			fail_msg("%s: refused for %d", heads[i].what,
				 (int)context_refused(a.refused));
		if (a.ctx.tracestate_len != strlen(heads[i].tracestate) ||
		    memcmp(a.ctx.tracestate, heads[i].tracestate, a.ctx.tracestate_len) != 0)
			fail_msg("%s: tracestate \"%.*s\"", heads[i].what,
				 (int)a.ctx.tracestate_len, a.ctx.tracestate);
	}
}

static void test_baggage_and_request_id(void **state)
{
	struct answer a;

	(void)state;
	read_head(&a,
		  "baggage: a=1\nbaggage: bad\nBaggage: b = 2;p\n"
		  "x-request-id: no spaces\nX-Request-Id:  r-1 \nx-request-id: r-2\n",
		  W3C);
	assert_int_equal(a.result, CARRIER_NONE);
	assert_int_equal(a.ctx.baggage_len, 9);
	assert_memory_equal(a.ctx.baggage, "a=1,b=2;p", 9);
	assert_int_equal(a.ctx.request_id_len, 3);
	assert_memory_equal(a.ctx.request_id, "r-1", 3);
	assert_int_equal(a.refusals, 2);
	assert_true(a.carrier.bad_baggage);
	assert_int_equal(context_refused(a.refused), REFUSAL_BAGGAGE_FORM);
	assert_int_equal(a.carrier.seen[FIELD_BAGGAGE], 3);
	assert_int_equal(a.carrier.seen[FIELD_REQUEST_ID], 3);
	assert_int_equal(a.carrier.seen[FIELD_TRACEPARENT], 0);
}

/* The count must not come round: the first b3 header stays the first one. */
static void test_very_many(void **state)
{
	static const char first[] = OTHER "-aaaaaaaaaaaaaaaa-1", later[] = TRACE "-" SPAN "-0";
	struct context ctx = make();
	struct carrier c;
	int decision;

	(void)state;
	carrier_init(&c, &ctx, ALL);
	assert_int_equal(carrier_add(&c, FIELD_B3, first, sizeof(first) - 1), 0);
	for (int i = 0; i < 600; i++)
		assert_int_equal(carrier_add(&c, FIELD_B3, later, sizeof(later) - 1), 0);
	assert_int_equal(c.seen[FIELD_B3], 255);
	assert_int_equal(carrier_finish(&c, &decision), CARRIER_PARENT);
	assert_int_equal(ctx.span.trace_id[0], 0x99);
	assert_int_equal(decision, 1);
}

static void test_request_id_rules(void **state)
{
	char text[CONTEXT_REQUEST_ID_MAX + 2];

	(void)state;
	memset(text, 'r', sizeof(text));
	assert_true(context_value_ok(FIELD_REQUEST_ID, text, CONTEXT_REQUEST_ID_MAX));
	assert_false(context_value_ok(FIELD_REQUEST_ID, text, CONTEXT_REQUEST_ID_MAX + 1));
	assert_false(context_value_ok(FIELD_REQUEST_ID, text, 0));
	assert_false(context_value_ok(FIELD_REQUEST_ID, " \t", 2));
	assert_true(context_value_ok(FIELD_REQUEST_ID, " r\t", 3));
	for (int c = 0; c < 256; c++) {
		text[1] = (char)c;
		assert_int_equal(context_value_ok(FIELD_REQUEST_ID, text, 3),
				 c >= 0x21 && c <= 0x7e);
	}
}

/* ---- names ---- */

static enum context_field field_of(const char *name)
{
	size_t len = strlen(name);
	char *copy = guard_copy(name, len);
	enum context_field field = context_field(copy, len);

	guard_free(copy, len);
	return field;
}

static void check_name(enum context_field want, const char *lower, const char *written)
{
	char name[32];
	size_t len = strlen(lower);

	assert_int_equal(field_of(lower), want);
	assert_int_equal(field_of(written), want);
	for (size_t i = 0; i < len; i++) {
		for (int c = 0; c < 256; c++) {
			bool upper = lower[i] >= 'a' && lower[i] <= 'z' && c == lower[i] - 0x20;

			memcpy(name, lower, len);
			name[i] = (char)c;
			assert_int_equal(context_field(name, len),
					 c == lower[i] || upper ? want : FIELD_NONE);
		}
		memcpy(name, lower, i);
		assert_int_equal(context_field(name, i), FIELD_NONE);
	}
	memcpy(name, lower, len);
	name[len] = 'x';
	assert_int_equal(context_field(name, len + 1), FIELD_NONE);
}

static void test_names(void **state)
{
	char lengthy[5000];

	(void)state;
#define FIELD(id, lower, written, propagator) check_name(FIELD_##id, lower, written);
#include "context/field.def"
#undef FIELD
	assert_int_equal(field_of(""), FIELD_NONE);
	assert_int_equal(field_of("te"), FIELD_NONE);
	assert_int_equal(field_of("trailer"), FIELD_NONE);
	assert_int_equal(field_of("x-forwarded-for"), FIELD_NONE);
	memset(lengthy, 'x', sizeof(lengthy));
	for (size_t len = 0; len < sizeof(lengthy); len++)
		assert_int_equal(context_field(lengthy, len), FIELD_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),     cmocka_unit_test(test_baggage_and_request_id),
		cmocka_unit_test(test_very_many), cmocka_unit_test(test_request_id_rules),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
