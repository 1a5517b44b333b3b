/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracestate: the grammar with the cases of the W3C trace-context test suite (as of level 2),
 * several lines, and what happens at the limits. Every line ends at a guard page.
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

#define FORM context_refuse(REFUSAL_STATE_FORM)
#define SIZE context_refuse(REFUSAL_STATE_SIZE)

static int append(struct context *ctx, const char *text)
{
	size_t len = strlen(text);
	char *copy = guard_copy(text, len);
	int result = tracestate_append(ctx, copy, len);

	guard_free(copy, len);
	return result;
}

static void expect(const struct context *ctx, const char *want)
{
	if (ctx->tracestate_len != strlen(want) ||
	    memcmp(ctx->tracestate, want, ctx->tracestate_len) != 0)
		fail_msg("tracestate is \"%.*s\", not \"%s\"", (int)ctx->tracestate_len,
			 ctx->tracestate, want);
}

#define KEY "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
#define VALUE              \
	" !\"#$%&'()*+-./" \
	"0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

/* One line into an empty context; want NULL: refused. */
static const struct {
	const char *line, *want;
} lines[] = {
	{"foo=1", "foo=1"},
	{"foo=1,bar=2", "foo=1,bar=2"},
	{"congo=t61rcWkgMzE", "congo=t61rcWkgMzE"},
	{KEY "=" VALUE, KEY "=" VALUE},
	{KEY "@a-z0-9_-*/=" VALUE, KEY "@a-z0-9_-*/=" VALUE},
	{"0foo=1", "0foo=1"},
	{"fw529a3039@dt=x", "fw529a3039@dt=x"},
	/* at signs may stand anywhere but in front */
	{"foo@=1,bar=2", "foo@=1,bar=2"},
	{"foo@@bar=1,bar=2", "foo@@bar=1,bar=2"},
	{"foo@bar@baz=1,bar=2", "foo@bar@baz=1,bar=2"},
	{"@foo=1,bar=2", NULL},
	/* white space around members */
	{"foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"},
	{"foo=1\t \t,\t \tbar=2,\t \tbaz=3", "foo=1,bar=2,baz=3"},
	{" foo=1", "foo=1"},
	{"\tfoo=1", "foo=1"},
	{"foo=1 ", "foo=1"},
	{"foo=1\t", "foo=1"},
	{"\t foo=1 \t", "foo=1"},
	/* white space inside: in front of a value it belongs to it, elsewhere it must not be */
	{"foo=  1", "foo=  1"},
	{"foo=1 2", "foo=1 2"},
	{"foo =1", NULL},
	{"fo o=1", NULL},
	{"foo=1\t2", NULL},
	{"foo=\t1", NULL},
	/* nothing between commas */
	{"", ""},
	{" \t", ""},
	{",", ""},
	{" , ,\t,", ""},
	{",foo=1", "foo=1"},
	{"foo=1,", "foo=1"},
	{"foo=1,,bar=2", "foo=1,bar=2"},
	{"foo=1, \t ,bar=2", "foo=1,bar=2"},
	/* keys */
	{"FOO=1", NULL},
	{"fOo=1", NULL},
	{"foo.bar=1", NULL},
	{"_foo=1", NULL},
	{"-foo=1", NULL},
	{"*foo=1", NULL},
	{"/foo=1", NULL},
	{"=1", NULL},
	{"foo", NULL},
	{"f\xc3\xb6=1", NULL},
	/* values */
	{"foo=", NULL},
	{"foo= ", NULL},
	{"foo=,bar=3", NULL},
	{"foo=bar=baz", NULL},
	{"foo==", NULL},
	{"foo=\x7f", NULL},
	{"foo=\xc3\xa9", NULL},
	{"foo=a\rb", NULL},
	{"foo=a\nb", NULL},
	{"foo=1\r\nx=1", NULL},
	/* keys there twice */
	{"foo=1,foo=1", NULL},
	{"foo=1,foo=2", NULL},
	{"foo=1,bar=2,foo=3", NULL},
	{"foo=1,fo=2,fooo=3", "foo=1,fo=2,fooo=3"},
	/* one bad member spoils the line */
	{"foo=1,bar", NULL},
	{"foo=1,bar=2,Q=3", NULL},
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct context ctx = {.baggage = NULL};
		int result = append(&ctx, lines[i].line);

		if (result != (lines[i].want ? 0 : FORM))
			fail_msg("\"%s\": got %d", lines[i].line, result);
		expect(&ctx, lines[i].want ? lines[i].want : "");
	}
}

static void test_several_lines(void **state)
{
	struct context ctx = {.baggage = NULL};

	(void)state;
	assert_int_equal(append(&ctx, "foo=1,bar=2"), 0);
	assert_int_equal(append(&ctx, "rojo=1,congo=2"), 0);
	assert_int_equal(append(&ctx, ""), 0);
	assert_int_equal(append(&ctx, "baz=3"), 0);
	expect(&ctx, "foo=1,bar=2,rojo=1,congo=2,baz=3");
	assert_int_equal(append(&ctx, "foo=1"), FORM);
	assert_int_equal(append(&ctx, "new=1,congo=2"), FORM);
	expect(&ctx, "foo=1,bar=2,rojo=1,congo=2,baz=3");
	assert_int_equal(append(&ctx, "new=1"), 0);
	expect(&ctx, "foo=1,bar=2,rojo=1,congo=2,baz=3,new=1");
}

/* Appends members bar<from>.. bar<to> as one line. */
static int append_range(struct context *ctx, int from, int to)
{
	char line[1024] = "";
	size_t used = 0;

	for (int i = from; i <= to; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%sbar%02d=%02d",
					 i == from ? "" : ",", i, i);
	return append(ctx, line);
}

static void test_member_limit(void **state)
{
	struct context ctx = {.baggage = NULL};

	(void)state;
	assert_int_equal(append_range(&ctx, 1, 10), 0);
	assert_int_equal(append_range(&ctx, 11, 20), 0);
	assert_int_equal(append_range(&ctx, 21, 30), 0);
	assert_int_equal(append_range(&ctx, 31, 33), FORM);
	assert_int_equal(append_range(&ctx, 31, 32), 0);
	assert_int_equal(ctx.tracestate_members, 32);
	assert_int_equal(ctx.tracestate_len, 32 * 8 + 31);
	assert_int_equal(append(&ctx, " ,,"), 0);
	assert_int_equal(append(&ctx, "x=1"), FORM);
	context_clear(&ctx);
	assert_int_equal(append_range(&ctx, 1, 33), FORM);
	assert_int_equal(append_range(&ctx, 1, 32), 0);
}

/* "<letter><letter>...=<value...>", @len bytes in all with a key of @key_len. */
static const char *member(char *out, char letter, size_t key_len, size_t len)
{
	memset(out, letter, len);
	out[key_len] = '=';
	out[len] = 0;
	return out;
}

static void test_key_and_value_limits(void **state)
{
	struct context ctx = {.baggage = NULL};
	char line[1100];

	(void)state;
	assert_int_equal(append(&ctx, "foo=1"), 0);
	assert_int_equal(append(&ctx, member(line, 'z', 256, 258)), 0);
	assert_int_equal(ctx.tracestate_len, 5 + 1 + 258);
	assert_int_equal(append(&ctx, member(line, 'y', 257, 259)), FORM);
	context_clear(&ctx);
	assert_int_equal(append(&ctx, member(line, 'v', 1, 2 + 256)), 0);
	assert_int_equal(append(&ctx, member(line, 'w', 1, 2 + 257)), FORM);
	context_clear(&ctx);
	/* The longest member there can be does not fit 512 bytes, but breaks no rule. */
	assert_int_equal(append(&ctx, member(line, 'v', 256, 513)), SIZE);
	expect(&ctx, "");
	assert_int_equal(append(&ctx, "foo=1"), 0);
	expect(&ctx, "foo=1");
}

static void test_exactly_512(void **state)
{
	struct context ctx = {.baggage = NULL};
	char line[1100];

	(void)state;
	for (char c = 'a'; c < 'e'; c++)
		assert_int_equal(append(&ctx, member(line, c, 1, c == 'd' ? 125 : 128)), 0);
	assert_int_equal(ctx.tracestate_len, 512);
	context_clear(&ctx);
	for (char c = 'a'; c < 'e'; c++)
		assert_int_equal(append(&ctx, member(line, c, 1, c == 'd' ? 126 : 128)),
				 c == 'd' ? SIZE : 0);
	assert_int_equal(ctx.tracestate_len, 3 * 128 + 2);
}

/* Sizes of members in order, and which of them are left. Keys and values are runs of one letter. */
static const struct {
	int sizes[8];
	const char *left;
} cuts[] = {
	{{100, 100, 100, 100}, "abcd"},
	{{100, 100, 100, 100, 100, 100}, "abcde"},
	/* once one was left out at the end, nothing comes behind it */
	{{100, 100, 100, 100, 100, 100, 4}, "abcde"},
	/* large ones first, the right-most before the others, wherever the small ones stand */
	{{200, 100, 100, 150}, "abc"},
	{{150, 200, 100, 100}, "acd"},
	{{200, 300, 150, 100}, "ad"},
	{{100, 300, 150, 100}, "abd"},
	{{300, 100, 100, 100}, "bcd"},
	{{100, 129, 128, 128, 128}, "acde"},
	{{128, 129, 128, 128, 128}, "acd"},
	/* a large one behind a dropped one is dropped as well, though it would fit */
	{{200, 300, 150, 100, 150}, "ad"},
	{{300, 300, 129}, "a"},
	{{129, 129, 129, 128}, "abd"},
	{{128, 128, 128, 129, 124}, "abce"},
};

static void check_cut(const int *sizes, const char *left, bool one_line)
{
	struct context ctx = {.baggage = NULL};
	char line[2048] = "", part[600], got[9] = "";
	size_t n, used = 0, kept = 0;

	for (n = 0; n < 8 && sizes[n]; n++) {
		member(part, (char)('a' + n), (size_t)sizes[n] / 2, (size_t)sizes[n]);
		if (!one_line)
			append(&ctx, part);
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s", n ? "," : "",
					 part);
	}
	if (one_line)
		assert_int_equal(append(&ctx, line), strlen(left) == n ? 0 : SIZE);
	for (size_t i = 0; i < ctx.tracestate_len; i++) {
		if (i == 0 || ctx.tracestate[i - 1] == ',')
			got[kept++] = ctx.tracestate[i];
	}
	assert_string_equal(got, left);
	assert_true(context_value_ok(FIELD_TRACESTATE, ctx.tracestate, ctx.tracestate_len));
}

static void test_cuts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		check_cut(cuts[i].sizes, cuts[i].left, true);
		check_cut(cuts[i].sizes, cuts[i].left, false);
	}
}

/* A line is good only to its last whole member: every prefix is judged without reading on. */
static void test_every_shorter_input(void **state)
{
	static const char line[] = "foo=1 , b@r= 22,,c=x";

	(void)state;
	for (size_t len = 0; len < sizeof(line); len++) {
		struct context ctx = {.baggage = NULL};
		char *copy = guard_copy(line, len);
		int result = tracestate_append(&ctx, copy, len);

		assert_true(result == 0 || result == FORM);
		if (len == 5 || len == sizeof(line) - 1)
			assert_int_equal(result, 0);
		guard_free(copy, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_several_lines),
		cmocka_unit_test(test_member_limit),
		cmocka_unit_test(test_key_and_value_limits),
		cmocka_unit_test(test_exactly_512),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_every_shorter_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
