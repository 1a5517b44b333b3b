/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting of OTEL_PROPAGATORS, in a process of its own: what comes in in all languages goes
 * out in the selected ones and in no other, malformed headers are counted and not passed on, and
 * what the program says itself is replaced where it must be and otherwise left alone.
 */
#include "carry_child.h"

#include "base/compiler.h"
#include "context/context.h"

#define T      "4bf92f3577b34da6a3ce929d0e0e4736"
#define S      "00f067aa0ba902b7"
#define BT     "80f198ee56343ba864fe8b2a57d3eff7"
#define BS     "e457b5a2e4d86bd1"
#define PARENT "traceparent: 00-" T "-" S "-01\r\n"
#define CALL   "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { SERVER = 10, CLIENT };

static struct wire wire;
static unsigned int selected;

static bool has(unsigned int propagators)
{
	return selected & propagators;
}

static int setup(void **state)
{
	(void)state;
	carry_waiting(false);
	carry_closing(SERVER);
	carry_closing(CLIENT);
	open_server(SERVER);
	open_client(CLIENT);
	wire.len = 0;
	return 0;
}

/* The request that is being served, with these header lines. */
static void serve(const char *lines)
{
	static char head[16384];

	assert_true(snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines) <
		    (int)sizeof(head));
	receive(SERVER, head);
}

/* The span id that left; every header that has one must say the same. */
static void sent_span(char *span)
{
	const char *at = head_line(&wire, "traceparent", 0);

	span[0] = 0;
	if (at)
		memcpy(span, at + 36, 16);
	at = head_line(&wire, "b3", 0);
	assert_true(!at || !span[0] || !memcmp(span, at + 33, 16));
	if (at)
		memcpy(span, at + 33, 16);
	at = head_line(&wire, "x-b3-spanid", 0);
	assert_true(!at || !span[0] || !memcmp(span, at, 16));
	if (at)
		memcpy(span, at, 16);
	span[16] = 0;
	assert_string_not_equal(span, S);
	assert_string_not_equal(span, BS);
}

/* Up to five pieces as one text; good until the fourth call after it. */
static const char *joined(const char *a, const char *b, const char *c, const char *d, const char *e)
{
	static char out[4][128];
	static unsigned int at;

	at = (at + 1) % 4;
	snprintf(out[at], sizeof(out[at]), "%s%s%s%s%s", a, b, c, d, e);
	return out[at];
}

/* The context headers on the wire are those selected, with @trace and what else is given. */
static void assert_context(const char *trace, const char *flags, const char *state,
			   const char *baggage, const char *id)
{
	bool w3c = has(PROPAGATOR_TRACECONTEXT), multi = has(PROPAGATOR_B3MULTI);
	const char *state_b3 = flags[1] & 1 ? "1" : "0";
	char span[17];

	sent_span(span);
	assert_head(&wire, "traceparent",
		    w3c ? joined(joined("00-", trace, "-", span, ""), "-", flags, "", "") : NULL);
	assert_head(&wire, "tracestate", w3c ? state : NULL);
	assert_head(&wire, "baggage", has(PROPAGATOR_BAGGAGE) ? baggage : NULL);
	assert_head(&wire, "b3",
		    has(PROPAGATOR_B3) ? joined(trace, "-", span, "-", state_b3) : NULL);
	assert_head(&wire, "x-b3-traceid", multi ? trace : NULL);
	assert_head(&wire, "x-b3-spanid", multi ? span : NULL);
	assert_head(&wire, "x-b3-sampled", multi ? state_b3 : NULL);
	assert_head(&wire, "x-b3-parentspanid", NULL);
	assert_head(&wire, "x-b3-flags", NULL);
	assert_head(&wire, "x-request-id", has(PROPAGATOR_REQUEST_ID) ? id : NULL);
}

/* ---- one header set in, the selected ones out ---- */

#define STATE   "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
#define BAGGAGE "user=42;p=1,k=v%20w"
#define B3_LINES                                                                               \
	"b3: " BT "-" BS "-1\r\nX-B3-TraceId: " BT "\r\nX-B3-SpanId: " BS "\r\nX-B3-Sampled: " \
									  "1\r\n"
#define OTHERS "tracestate: " STATE "\r\nbaggage: " BAGGAGE "\r\nX-Request-ID: r-1\r\n"

static void test_all_in(void **state)
{
	(void)state;
	serve(PARENT OTHERS B3_LINES);
	assert_int_equal(send_text(CLIENT, CALL, &wire), strlen(CALL));
	if (!selected) {
		assert_string_equal(wire.bytes, CALL);
		return;
	}
	assert_context(has(PROPAGATOR_TRACECONTEXT) ? T : BT, "01", STATE, BAGGAGE, "r-1");
	/* nothing but whole lines of ours was added, all of them in front of the blank line */
	assert_memory_equal(wire.bytes, CALL, strlen(CALL) - 2);
	assert_memory_equal(wire.bytes + wire.len - 4, "\r\n\r\n", 4);
	assert_int_equal(strstr(wire.bytes, "\r\n\r\n") + 4 - wire.bytes, wire.len);
}

/* B3 alone is believed if either of its encodings is selected; otherwise a new trace begins. */
static void test_b3_in(void **state)
{
	const char *at;
	char trace[33] = "";

	(void)state;
	serve("X-B3-TraceId: " BT "\r\nX-B3-SpanId: " BS "\r\nX-B3-Sampled: 0\r\n");
	send_text(CLIENT, CALL, &wire);
	if (has(PROPAGATOR_B3 | PROPAGATOR_B3MULTI)) {
		assert_context(BT, "00", NULL, NULL, BT);
		return;
	}
	at = head_line(&wire, "traceparent", 0);
	if (!at)
		return;
	memcpy(trace, at + 3, 32);
	assert_string_not_equal(trace, BT);
	assert_context(trace, "03", NULL, NULL, trace);
}

/* Without a request id one is made: the trace id, in hex, and the same one for every call. */
static void test_request_id_made(void **state)
{
	char id[33] = "";
	const char *at;

	(void)state;
	serve("");
	send_text(CLIENT, CALL, &wire);
	at = head_line(&wire, "x-request-id", 0);
	assert_int_equal(at != NULL, has(PROPAGATOR_REQUEST_ID));
	if (!at)
		return;
	memcpy(id, at, 32);
	assert_int_equal(strspn(id, "0123456789abcdef"), 32);
	assert_head(&wire, "x-request-id", id);
	at = wire_trace(&wire, 0);
	if (at)
		assert_memory_equal(at, id, 32);
	receive(CLIENT, ANSWER);
	wire.len = 0;
	send_text(CLIENT, CALL, &wire);
	assert_head(&wire, "x-request-id", id);
}

/* What leaves under no request begins a trace of its own; its id is the request id. */
static void test_no_parent(void **state)
{
	static const char *const names[] = {"b3", "x-b3-traceid", "x-request-id"};
	const char *at;
	char trace[33] = "";

	(void)state;
	send_text(CLIENT, CALL, &wire);
	at = wire_trace(&wire, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names) && !at; i++)
		at = head_line(&wire, names[i], 0);
	if (at)
		memcpy(trace, at, 32);
	assert_int_equal(strspn(trace, "0123456789abcdef"), at ? 32 : 0);
	assert_context(trace, "03", NULL, NULL, trace);
	if (!has((unsigned int)~PROPAGATOR_BAGGAGE))
		assert_string_equal(wire.bytes, CALL);
}

/* ---- malformed: counted, not passed on ---- */

#define B3_ANY (PROPAGATOR_B3 | PROPAGATOR_B3MULTI)

static const struct {
	const char *lines, *bad; /* what comes in; what must not go out */
	unsigned int readers;
	enum counter counter;
} malformed[] = {
	{"traceparent: 00-xyz\r\n", "xyz", PROPAGATOR_TRACECONTEXT, COUNTER_REFUSED_PARENT_LENGTH},
	{"traceparent: 00-4BF92f3577b34da6a3ce929d0e0e4736-" S "-01\r\n", "4BF92f",
	 PROPAGATOR_TRACECONTEXT, COUNTER_REFUSED_PARENT_FORM},
	{"traceparent: ff-" T "-" S "-01\r\n", T, PROPAGATOR_TRACECONTEXT,
	 COUNTER_REFUSED_PARENT_VERSION},
	{"traceparent: 00-" T "-0000000000000000-01\r\n", T, PROPAGATOR_TRACECONTEXT,
	 COUNTER_REFUSED_PARENT_ZERO},
	{PARENT PARENT, T, PROPAGATOR_TRACECONTEXT, COUNTER_REFUSED_PARENT_TWICE},
	{PARENT "tracestate: xx=1,XX=2\r\n", "xx=1", PROPAGATOR_TRACECONTEXT,
	 COUNTER_REFUSED_STATE_FORM},
	{PARENT "tracestate: yy=1,yy=2\r\n", "yy=", PROPAGATOR_TRACECONTEXT,
	 COUNTER_REFUSED_STATE_FORM},
	{"baggage: k=v,a b=c\r\n", "k=v", PROPAGATOR_BAGGAGE, COUNTER_REFUSED_BAGGAGE_FORM},
	{"b3: zz\r\n", "zz", B3_ANY, COUNTER_REFUSED_B3_FORM},
	{"b3: " BT "-0000000000000000-1\r\n", BT, B3_ANY, COUNTER_REFUSED_B3_ZERO},
	{"X-B3-TraceId: " BT "\r\n", BT, B3_ANY, COUNTER_REFUSED_B3_PARTIAL},
	{"X-B3-SpanId: " BS "\r\n", BS, B3_ANY, COUNTER_REFUSED_B3_PARTIAL},
	{"X-Request-ID: two words\r\n", "two", PROPAGATOR_REQUEST_ID, COUNTER_REFUSED_REQUEST_ID},
	{"X-Request-ID: \r\n", "X-Request-ID: \r\n", PROPAGATOR_REQUEST_ID,
	 COUNTER_REFUSED_REQUEST_ID},
};

static void test_malformed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		uint64_t before = ring_counted(malformed[i].counter);

		setup(state);
		serve(malformed[i].lines);
		if (ring_counted(malformed[i].counter) != before + has(malformed[i].readers))
			fail_msg("not counted: %s", malformed[i].lines);
		send_text(CLIENT, CALL, &wire);
		if (strcasestr(wire.bytes, malformed[i].bad))
			fail_msg("passed on: %s%s", malformed[i].lines, wire.bytes);
		assert_int_equal(head_count(&wire, "traceparent"), has(PROPAGATOR_TRACECONTEXT));
		assert_int_equal(head_count(&wire, "x-request-id"), has(PROPAGATOR_REQUEST_ID));
	}
}

/* ---- the program's own headers ---- */

#define OWN                          \
	"GET /b HTTP/1.1\r\n" PARENT \
	"TraceState: own=1,  x=2 \r\nBAGGAGE: own=1 ; p\r\nx-request-id: own\r\nHost: b\r\n\r\n"

static void test_own_headers(void **state)
{
	const char *rest = strstr(OWN, "TraceState");

	(void)state;
	serve(PARENT OTHERS B3_LINES);
	assert_int_equal(send_text(CLIENT, OWN, &wire), strlen(OWN));
	assert_int_equal(head_count(&wire, "traceparent"), 1);
	assert_int_equal(head_count(&wire, "tracestate"), 1);
	assert_int_equal(head_count(&wire, "baggage"), 1);
	assert_int_equal(head_count(&wire, "x-request-id"), 1);
	assert_int_equal(head_count(&wire, "b3"), has(PROPAGATOR_B3));
	assert_memory_equal(wire.bytes, OWN, strlen("GET /b HTTP/1.1\r\ntraceparent: 00-" T "-"));
	assert_int_equal(!memcmp(wire.bytes, OWN, strlen("GET /b HTTP/1.1\r\n" PARENT)),
			 !has(PROPAGATOR_TRACECONTEXT));
	/* all that is not the parent's span id is the program's, byte for byte */
	assert_memory_equal(wire.bytes + (rest - OWN), rest, strlen(rest) - 2);
}

static void test_own_b3(void **state)
{
#define B3_CALL "GET /b HTTP/1.1\r\nB3: \t" BT "-" BS "-1 \t\r\nHost: b\r\n\r\n"
	const char *at;

	(void)state;
	assert_int_equal(send_text(CLIENT, B3_CALL, &wire), strlen(B3_CALL));
	assert_int_equal(head_count(&wire, "b3"), 1);
	assert_int_equal(head_count(&wire, "x-b3-traceid"), 0);
	at = strstr(wire.bytes, "B3: \t" BT "-");
	assert_non_null(at);
	assert_int_equal(!memcmp(at + 38, BS, 16), !has(PROPAGATOR_B3));
	assert_memory_equal(at + 54, "-1 \t\r\nHost: b\r\n", 15);
	/* the trace that the b3 header names is the one that goes on, in every language */
	if (has(PROPAGATOR_B3) && has(PROPAGATOR_TRACECONTEXT))
		assert_memory_equal(wire_trace(&wire, 0), BT, 32);
}

/* "Not sampled", and X-B3 headers: left as they are, and none of B3 beside them. */
static void test_own_b3_left(void **state)
{
	static const char *const lines[] = {"b3: 0\r\n", "X-B3-Sampled: 0\r\n",
					    "X-B3-TraceId: " BT "\r\nX-B3-SpanId: " BS "\r\n"};
	char call[256];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		size_t len = (size_t)snprintf(call, sizeof(call),
					      "GET / HTTP/1.1\r\n%sHost: b\r\n\r\n", lines[i]);

		setup(state);
		assert_int_equal(send_text(CLIENT, call, &wire), len);
		assert_memory_equal(wire.bytes, call, len - 2);
		assert_int_equal(head_count(&wire, "b3"), i == 0);
		assert_int_equal(head_count(&wire, "x-b3-spanid"), i == 2);
		assert_int_equal(head_count(&wire, "x-b3-sampled"), i == 1);
	}
}

/* ---- settings ---- */

static void run_setting(const char *value, int *failed)
{
	char setting[128];
	char *environment[] = {setting, NULL};
	const char *unknown;
	size_t len;

	snprintf(setting, sizeof(setting), "OTEL_PROPAGATORS=%s", value);
	selected = propagators_parse(*value ? value : "tracecontext,baggage,xrequestid", &unknown,
				     &len);
	IN_CHILD(failed, setting, environment, cmocka_unit_test_setup(test_all_in, setup),
		 cmocka_unit_test_setup(test_b3_in, setup),
		 cmocka_unit_test_setup(test_request_id_made, setup),
		 cmocka_unit_test_setup(test_no_parent, setup), cmocka_unit_test(test_malformed),
		 cmocka_unit_test_setup(test_own_headers, setup),
		 cmocka_unit_test_setup(test_own_b3, setup), cmocka_unit_test(test_own_b3_left));
}

int main(void)
{
	static const char *const settings[] = {
		"",
		"tracecontext",
		"baggage",
		"b3",
		"b3multi",
		"xrequestid",
		"none",
		"tracecontext,baggage",
		"tracecontext,b3",
		"b3,b3multi",
		"b3multi,xrequestid",
		"baggage,xrequestid",
		"b3,baggage",
		"tracecontext,b3multi,baggage",
		"xrequestid,b3multi,b3,baggage,tracecontext",
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		run_setting(settings[i], &failed);
	return failed;
}
