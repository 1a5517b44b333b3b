/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps agent/proto/template.c compiling and true, and is itself the test to copy for a new parser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"
#include "proto/template.h"

/* What was reported, with the place in the stream: "head:3@4 end@7". */
struct text {
	char at[256];
	size_t len;
	size_t fed;
	bool over;
};

static const struct {
	const char *bytes;
	size_t len;
	const char *events;
} streams[] = {
	{ "", 0, "" },
	{ "\0\0\0\3abc\0\0", 9, "head:3@4 end@7 " },
	{ "\0\0\0\0\0\0\0\1x", 9, "head:0@4 end@4 head:1@8 end@9 " },
	{ "\1\0\0\0", 4, "head:16777216@4 " },
	{ "\1\0\0\1", 4, "bad " },
	{ "GET / HTTP/1.1", 14, "bad " },
};

static void note(struct text *t, enum template_event event, const struct template *p)
{
	char *at = t->at + t->len;
	size_t room = sizeof(t->at) - t->len;

	if (event == TEMPLATE_HEAD)
		t->len += (size_t)snprintf(at, room, "head:%u@%zu ", p->length, t->fed);
	else if (event == TEMPLATE_END)
		t->len += (size_t)snprintf(at, room, "end@%zu ", t->fed);
	else if (event == TEMPLATE_BAD)
		t->len += (size_t)snprintf(at, room, "bad ");
	t->over = event == TEMPLATE_BAD;
}

static void feed(struct template *p, struct text *t, const char *bytes, size_t len)
{
	char *copy = guard_copy(bytes, len);
	enum template_event event;
	size_t at = 0, used;

	do {
		event = template_feed(p, copy + at, len - at, &used);
		assert_true(used <= len - at);
		at += used;
		t->fed += used;
		note(t, event, p);
	} while (event != TEMPLATE_MORE && event != TEMPLATE_BAD);
	assert_true(event == TEMPLATE_BAD || at == len);
	guard_free(copy, len);
}

static void test_split_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		for (size_t cut = 0; cut <= streams[i].len; cut++) {
			struct text t = { .len = 0 };
			struct template p;

			template_init(&p);
			feed(&p, &t, streams[i].bytes, cut);
			if (!t.over)
				feed(&p, &t, streams[i].bytes + cut, streams[i].len - cut);
			assert_string_equal(t.at, streams[i].events);
		}
	}
}

static void test_bytewise(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		struct text t = { .len = 0 };
		struct template p;

		template_init(&p);
		for (size_t at = 0; at < streams[i].len && !t.over; at++)
			feed(&p, &t, streams[i].bytes + at, 1);
		assert_string_equal(t.at, streams[i].events);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_anywhere),
		cmocka_unit_test(test_bytewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
