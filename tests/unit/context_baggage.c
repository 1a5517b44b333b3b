/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baggage: the grammar, several lines, limits, and pairs of our own. Every line ends at a guard
 * page, and so does the memory that the context is given.
 */
#include <errno.h>
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

#define FORM context_refuse(REFUSAL_BAGGAGE_FORM)
#define SIZE context_refuse(REFUSAL_BAGGAGE_SIZE)

static char blank[CONTEXT_BAGGAGE_MAX + 64];

/* A context whose baggage memory of @cap bytes ends at a guard page. */
static struct context make(size_t cap)
{
	return (struct context){.baggage = guard_copy(blank, cap), .baggage_cap = (uint16_t)cap};
}

static void unmake(struct context *ctx)
{
	guard_free(ctx->baggage, ctx->baggage_cap);
}

static int append(struct context *ctx, const char *text)
{
	size_t len = strlen(text);
	char *copy = guard_copy(text, len);
	int result = baggage_append(ctx, copy, len);

	guard_free(copy, len);
	return result;
}

static void expect(const struct context *ctx, const char *want)
{
	if (ctx->baggage_len != strlen(want) || memcmp(ctx->baggage, want, ctx->baggage_len) != 0)
		fail_msg("baggage is \"%.*s\", not \"%s\"", (int)ctx->baggage_len, ctx->baggage,
			 want);
}

/* One line into an empty context; want NULL: refused. */
static const struct {
	const char *line, *want;
} lines[] = {
	{"SomeKey=SomeValue", "SomeKey=SomeValue"},
	{"SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal",
	 "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal"},
	{"SomeKey \t = \t SomeValue \t ; \t SomeProp \t , \t SomeKey2 \t = \t SomeValue2 \t ; \t "
	 "ValueProp \t = \t PropVal",
	 "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal"},
	{"key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue",
	 "key1=value1;property1;property2,key2=value2,key3=value3;propertyKey=propertyValue"},
	{" SomeKey=SomeValue\t", "SomeKey=SomeValue"},
	{"SomeKey=SomeValue=equals", "SomeKey=SomeValue=equals"},
	{"SomeKey==", "SomeKey=="},
	{"SomeKey=", "SomeKey="},
	{"SomeKey= ;p= ", "SomeKey=;p="},
	{"SomeKey=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29",
	 "SomeKey=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29"},
	{"k=%c3%A9", "k=%c3%A9"},
	{"k=v;ValueProp%20%09%20%3D%20%09%20PropVal", "k=v;ValueProp%20%09%20%3D%20%09%20PropVal"},
	{"k=v;p;p=1;p=2", "k=v;p;p=1;p=2"},
	{"k=1,k=2", "k=1,k=2"},
	{"!#$%&'*+-.^_`|~09azAZ=!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~",
	 "!#$%&'*+-.^_`|~09azAZ=!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~"},
	{"", ""},
	{" \t", ""},
	{",,", ""},
	{"a=1,,b=2, ,", "a=1,b=2"},
	/* keys */
	{"key", NULL},
	{"key;prop=1", NULL},
	{"=value", NULL},
	{" =value", NULL},
	{"k y=value", NULL},
	{"k(y=value", NULL},
	{"k\"y=value", NULL},
	{"k/y=value", NULL},
	{"k\xc3\xa9=value", NULL},
	/* values */
	{"k=a b", NULL},
	{"k=a\tb", NULL},
	{"k=\"a\"", NULL},
	{"k=a\\b", NULL},
	{"k=\xc3\xa9", NULL},
	{"k=\x7f", NULL},
	{"k=a\r\nb=c", NULL},
	{"k=%", NULL},
	{"k=%4", NULL},
	{"k=%4g", NULL},
	{"k=50%,b=1", NULL},
	{"k=%%20", NULL},
	/* properties */
	{"k=v;", NULL},
	{"k=v;;p", NULL},
	{"k=v;=p", NULL},
	{"k=v;p q", NULL},
	{"k=v;p=q r", NULL},
	{"k=v;p=%zz", NULL},
	{";p", NULL},
	/* one bad member spoils the line */
	{"a=1,b", NULL},
	{"a,b=1", NULL},
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct context ctx = make(200);
		int result = append(&ctx, lines[i].line);

		if (result != (lines[i].want ? 0 : FORM))
			fail_msg("\"%s\": got %d", lines[i].line, result);
		expect(&ctx, lines[i].want ? lines[i].want : "");
		unmake(&ctx);
	}
}

static void test_several_lines(void **state)
{
	struct context ctx = make(200);

	(void)state;
	assert_int_equal(append(&ctx, "userId=alice"), 0);
	assert_int_equal(append(&ctx, "bad"), FORM);
	assert_int_equal(append(&ctx, " "), 0);
	assert_int_equal(append(&ctx, "serverNode = DF%2028, isProduction = false"), 0);
	expect(&ctx, "userId=alice,serverNode=DF%2028,isProduction=false");
	unmake(&ctx);
}

static void test_member_limit(void **state)
{
	struct context ctx = make(CONTEXT_BAGGAGE_MAX);
	char line[1024];
	size_t used = 0;

	(void)state;
	for (int i = 1; i <= 65; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%sk%02d=%02d",
					 i == 1 ? "" : ",", i, i);
	assert_int_equal(append(&ctx, line), SIZE);
	assert_int_equal(ctx.baggage_len, 64 * 6 + 63);
	assert_memory_equal(ctx.baggage, line, ctx.baggage_len);
	assert_int_equal(append(&ctx, ",,"), 0);
	assert_int_equal(append(&ctx, "x=1"), SIZE);
	assert_int_equal(baggage_append_pair(&ctx, "x", 1, "1", 1), -ENOSPC);
	assert_int_equal(ctx.baggage_len, 64 * 6 + 63);
	unmake(&ctx);
}

static void test_byte_limit(void **state)
{
	struct context ctx = make(CONTEXT_BAGGAGE_MAX);
	char line[CONTEXT_BAGGAGE_MAX + 2] = "a=";

	(void)state;
	memset(line + 2, '0', CONTEXT_BAGGAGE_MAX - 2);
	assert_int_equal(append(&ctx, line), 0);
	assert_int_equal(ctx.baggage_len, CONTEXT_BAGGAGE_MAX);
	assert_int_equal(append(&ctx, "b=1"), SIZE);
	context_clear(&ctx);
	line[CONTEXT_BAGGAGE_MAX] = '0';
	assert_int_equal(append(&ctx, line), SIZE);
	assert_int_equal(ctx.baggage_len, 0);
	unmake(&ctx);

	/* More memory than the specification asks for is not used. */
	ctx = make(CONTEXT_BAGGAGE_MAX + 1);
	assert_int_equal(append(&ctx, line), SIZE);
	unmake(&ctx);
}

static void test_small_memory(void **state)
{
	struct context none = {.baggage_cap = 100};

	(void)state;
	for (size_t cap = 0; cap <= 12; cap++) {
		struct context ctx = make(cap);

		assert_int_equal(append(&ctx, "ab = 1 ,cd=2;e"), cap >= 11 ? 0 : SIZE);
		expect(&ctx, cap >= 11 ? "ab=1,cd=2;e" : cap >= 4 ? "ab=1" : "");
		unmake(&ctx);
	}
	assert_int_equal(append(&none, "a=1"), 0);
	assert_int_equal(append(&none, "a"), FORM);
	assert_int_equal(baggage_append_pair(&none, "a", 1, "1", 1), -ENOSPC);
	assert_int_equal(none.baggage_len, 0);
}

static void test_pairs(void **state)
{
	struct context ctx = make(59);

	(void)state;
	assert_int_equal(baggage_append_pair(&ctx, "user", 4, "ali ce", 6), 0);
	assert_int_equal(baggage_append_pair(&ctx, "x", 1, "50%,\"\\;\r\n\0\xc3\xa9", 12), 0);
	expect(&ctx, "user=ali%20ce,x=50%25%2C%22%5C%3B%0D%0A%00%C3%A9");
	assert_true(context_value_ok(FIELD_BAGGAGE, ctx.baggage, ctx.baggage_len));
	assert_int_equal(baggage_append_pair(&ctx, "", 0, "1", 1), -EINVAL);
	assert_int_equal(baggage_append_pair(&ctx, "a b", 3, "1", 1), -EINVAL);
	assert_int_equal(baggage_append_pair(&ctx, "a=b", 3, "1", 1), -EINVAL);
	assert_int_equal(baggage_append_pair(&ctx, "a", 1, "\n\n\n", 3), -ENOSPC);
	assert_int_equal(ctx.baggage_len, 48);
	assert_int_equal(baggage_append_pair(&ctx, "a", 1, "=\n\n\n", 3), 0);
	assert_int_equal(baggage_append_pair(&ctx, "b", 1, "", 0), -ENOSPC);
	expect(&ctx, "user=ali%20ce,x=50%25%2C%22%5C%3B%0D%0A%00%C3%A9,a==%0A%0A");
	unmake(&ctx);
}

static void test_every_value_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		struct context ctx = make(16);
		char value = (char)c;

		assert_int_equal(baggage_append_pair(&ctx, "k", 1, &value, 1), 0);
		assert_true(context_value_ok(FIELD_BAGGAGE, ctx.baggage, ctx.baggage_len));
		unmake(&ctx);
	}
}

static void test_every_shorter_input(void **state)
{
	static const char line[] = "a = %20 ; p = 1 ,, b=2;q";

	(void)state;
	for (size_t len = 0; len < sizeof(line); len++) {
		struct context ctx = make(sizeof(line));
		char *copy = guard_copy(line, len);
		int result = baggage_append(&ctx, copy, len);

		assert_true(result == 0 || result == FORM);
		if (len == 7 || len == sizeof(line) - 1)
			assert_int_equal(result, 0);
		guard_free(copy, len);
		unmake(&ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_several_lines),
		cmocka_unit_test(test_member_limit),
		cmocka_unit_test(test_byte_limit),
		cmocka_unit_test(test_small_memory),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_every_value_byte),
		cmocka_unit_test(test_every_shorter_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
