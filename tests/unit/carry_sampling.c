/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every value of OTEL_TRACES_SAMPLER, in a process of its own, with a parent that was sampled, one
 * that was not, and none: the flag that travels on, and the spans that are recorded, must agree.
 */
#include "carry_child.h"

#include "base/compiler.h"

/* The sampler reads the right half: one that every ratio above 0 takes, one that only 1.0 takes. */
#define LOW    "4bf92f3577b34da60000000000000001"
#define HIGH   "4bf92f3577b34da6fffffffffffffff0"
#define CALL   "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ROOTS  10000

enum { SERVER = 10, CLIENT };

enum parent { LOW_SAMPLED, LOW_NOT, HIGH_SAMPLED, HIGH_NOT, NONE, PARENTS };

static const char *const requests[PARENTS] = {
	"GET / HTTP/1.1\r\ntraceparent: 00-" LOW "-00f067aa0ba902b7-01\r\n\r\n",
	"GET / HTTP/1.1\r\ntraceparent: 00-" LOW "-00f067aa0ba902b7-00\r\n\r\n",
	"GET / HTTP/1.1\r\ntraceparent: 00-" HIGH "-00f067aa0ba902b7-01\r\n\r\n",
	"GET / HTTP/1.1\r\ntraceparent: 00-" HIGH "-00f067aa0ba902b7-00\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
};

/* What is sampled, as a digit for each parent; '?': by the trace id, which is random. */
static const struct row {
	const char *sampler, *argument;
	const char *sampled;
	unsigned int problems; /* settings counted as unusable */
} rows[] = {
	{"", "", "10101", 0},
	{"always_on", "", "11111", 0},
	{"always_off", "", "00000", 0},
	{"traceidratio", "0", "00000", 0},
	{"traceidratio", "0.25", "1100?", 0},
	{"traceidratio", "1", "11111", 0},
	{"traceidratio", "", "11111", 0},
	{"parentbased_always_on", "", "10101", 0},
	{"parentbased_always_off", "", "10100", 0},
	{"parentbased_traceidratio", "0", "10100", 0},
	{"parentbased_traceidratio", "0.25", "1010?", 0},
	{"parentbased_traceidratio", "1.0", "10101", 0},
	{"parentbased_always_on", "0.25", "10101", 0},
	/* unusable: as if it had not been set */
	{"sometimes", "", "10101", 1},
	{"parentbased_traceidratio", "2", "10101", 1},
};

static const struct row *row;
static struct wire wire;

/* One request, one call under it, both answered; returns whether they were sampled. */
static bool serve(const char *request)
{
	uint64_t spans = ring_counted(COUNTER_SPANS), not = ring_counted(COUNTER_SPANS_UNSAMPLED);
	const char *flags;
	bool sampled;

	receive(SERVER, request);
	wire.len = 0;
	send_text(CLIENT, CALL, &wire);
	assert_non_null(wire_trace(&wire, 0));
	flags = wire_trace(&wire, 0) + 50;
	sampled = (flags[1] - '0') & 1;
	receive(CLIENT, ANSWER);
	send_text(SERVER, ANSWER, &wire);
	assert_int_equal(ring_counted(COUNTER_SPANS), spans + 2 * sampled);
	assert_int_equal(ring_counted(COUNTER_SPANS_UNSAMPLED), not +2 * !sampled);
	return sampled;
}

static void test_parents(void **state)
{
	(void)state;
	assert_int_equal(ring_counted(COUNTER_SETTINGS_BAD), row->problems);
	for (int i = 0; i < PARENTS; i++) {
		bool sampled = serve(requests[i]);

		if (row->sampled[i] != '?' && row->sampled[i] != '0' + sampled)
			fail_msg("%s %s: parent %d was %ssampled", row->sampler, row->argument, i,
				 sampled ? "" : "not ");
	}
}

/* A call under no request at all is decided like any root. */
static void test_call_alone(void **state)
{
	uint64_t spans = ring_counted(COUNTER_SPANS);
	bool sampled;

	(void)state;
	wire.len = 0;
	send_text(CLIENT, CALL, &wire);
	sampled = (wire_trace(&wire, 0)[51] - '0') & 1;
	receive(CLIENT, ANSWER);
	assert_int_equal(ring_counted(COUNTER_SPANS), spans + sampled);
	if (row->sampled[NONE] != '?')
		assert_int_equal(row->sampled[NONE], '0' + sampled);
}

/* What the program's own header names, and no request of ours did: decided like a request's parent.
 */
static void test_call_named(void **state)
{
	(void)state;
	for (int i = 0; i < NONE; i++) {
		wire.len = 0;
		send_text(CLIENT, requests[i], &wire);
		receive(CLIENT, ANSWER);
		if (row->sampled[i] != '0' + ((wire_trace(&wire, 0)[51] - '0') & 1))
			fail_msg("%s %s: call of parent %d", row->sampler, row->argument, i);
	}
}

/* Six standard deviations around a quarter. */
static void test_ratio(void **state)
{
	uint32_t sampled = 0;

	(void)state;
	if (row->sampled[NONE] != '?')
		return;
	for (int i = 0; i < ROOTS; i++)
		sampled += serve(requests[NONE]);
	assert_in_range(sampled, ROOTS / 4 - 260, ROOTS / 4 + 260);
}

static void run_row(int *failed)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_call_alone),
		cmocka_unit_test(test_call_named),
		cmocka_unit_test(test_ratio),
	};
	char directory[] = "/tmp/carry_sampling.XXXXXX", sampler[64], argument[64];
	char *environment[] = {sampler, argument, NULL};
	int bad;

	if (!child_begins(failed))
		return;
	snprintf(sampler, sizeof(sampler), "OTEL_TRACES_SAMPLER=%s", row->sampler);
	snprintf(argument, sizeof(argument), "OTEL_TRACES_SAMPLER_ARG=%s", row->argument);
	start_recording(environment, directory);
	open_server(SERVER);
	open_client(CLIENT);
	bad = cmocka_run_group_tests_name(sampler, tests, NULL, NULL);
	remove_recording(directory);
	child_ends(bad);
}

int main(void)
{
	int failed = 0;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
		run_row(&failed);
	return failed;
}
