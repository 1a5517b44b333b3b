/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config/: every row has its default, every type its good and bad values, and a set-user-ID program
 * listens to nobody.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

static struct config config;

/* Nobody writes to an environment here; main()'s type says that somebody may. */
static char *const *env(const char *const *environment)
{
	return (char *const *)(uintptr_t)environment;
}

static void read_one(const char *a, const char *b, const char *c)
{
	const char *environment[] = { "PATH=/bin", a, b, c, NULL };

	config_read(&config, env(environment), false);
}

static void nothing_set_means_defaults(void **state)
{
	char *none[] = { NULL };

	(void)state;
	for (int i = 0; i < 2; i++) {
		config_read(&config, i ? none : NULL, false);
		assert_int_equal(config.problems, 0);
		assert_false(config.disabled);
		assert_false(config.secure);
		assert_false(config.context_baggage);
		assert_int_equal(config.sampler, SAMPLER_ALWAYS_ON);
		assert_true(config.parent_based);
		assert_int_equal(config.ring_size, 16 << 20);
		for (int id = 0; id < CONFIG_COUNT; id++)
			assert_string_equal(config.text[id], config_rows[id].value);
	}
}

static void every_row_is_read_and_an_empty_value_is_none(void **state)
{
	(void)state;
	for (int id = 0; id < CONFIG_COUNT; id++) {
		char variable[100];

		snprintf(variable, sizeof(variable), "%s=/x", config_rows[id].variable);
		read_one(variable, NULL, NULL);
		assert_string_equal(config.text[id], "/x");
		*(strchr(variable, '=') + 1) = 0;
		read_one(variable, NULL, NULL);
		assert_string_equal(config.text[id], config_rows[id].value);
		assert_int_equal(config.problems, 0);
	}
}

static void names_match_whole_and_the_first_one_wins(void **state)
{
	static const char *const environment[] = { "", "=", "A", "AB=1", "A=2", "A=3", "B=", NULL };

	(void)state;
	assert_string_equal(config_find(env(environment), "A"), "2");
	assert_string_equal(config_find(env(environment), "AB"), "1");
	assert_string_equal(config_find(env(environment), "B"), "");
	assert_null(config_find(env(environment), "C"));
	assert_null(config_find(NULL, "A"));
}

static void secure_reads_the_safe_ones_only(void **state)
{
	static const char *const environment[] = {
		"OTEL_SDK_DISABLED=true", "CTXAGENT_DIR=/tmp/x", "OTEL_TRACES_SAMPLER=always_off",
		"CTXAGENT_RING_SIZE=1M", "XDG_RUNTIME_DIR=/run", "OTEL_SERVICE_NAME=s", NULL
	};
	char out[100];

	(void)state;
	config_read(&config, env(environment), true);
	assert_true(config.secure);
	assert_true(config.disabled);
	assert_string_equal(config.text[CONFIG_ID_DIR], "");
	assert_string_equal(config.text[CONFIG_ID_SERVICE_NAME], "");
	assert_int_equal(config.sampler, SAMPLER_ALWAYS_ON);
	assert_int_equal(config.ring_size, 16 << 20);
	assert_int_equal(config_directory(&config, env(environment), out, sizeof(out)), -ENOENT);
}

static void booleans(void **state)
{
	(void)state;
	read_one("OTEL_SDK_DISABLED=TrUe", "CTXAGENT_CONTEXT_BAGGAGE=true", NULL);
	assert_true(config.disabled && config.context_baggage);
	assert_int_equal(config.problems, 0);
	read_one("OTEL_SDK_DISABLED=FALSE", NULL, NULL);
	assert_false(config.disabled);
	assert_int_equal(config.problems, 0);
	read_one("OTEL_SDK_DISABLED=1", "CTXAGENT_CONTEXT_BAGGAGE=truee", NULL);
	assert_false(config.disabled || config.context_baggage);
	assert_int_equal(config.problems, 2);
}

static void samplers(void **state)
{
	static const struct {
		const char *name, *arg;
		enum config_sampler sampler;
		bool parent_based;
		uint64_t bound;
		unsigned int problems;
	} cases[] = {
		{ "always_on", NULL, SAMPLER_ALWAYS_ON, false, 1ull << 63, 0 },
		{ "always_off", NULL, SAMPLER_ALWAYS_OFF, false, 1ull << 63, 0 },
		{ "Always_Off", "x", SAMPLER_ALWAYS_OFF, false, 1ull << 63, 0 },
		{ "traceidratio", NULL, SAMPLER_RATIO, false, 1ull << 63, 0 },
		{ "traceidratio", "0.5", SAMPLER_RATIO, false, 1ull << 62, 0 },
		{ "traceidratio", "0", SAMPLER_RATIO, false, 0, 0 },
		{ "traceidratio", "2", SAMPLER_RATIO, false, 1ull << 63, 1 },
		{ "traceidratio", "half", SAMPLER_RATIO, false, 1ull << 63, 1 },
		{ "parentbased_always_on", NULL, SAMPLER_ALWAYS_ON, true, 1ull << 63, 0 },
		{ "parentbased_always_off", NULL, SAMPLER_ALWAYS_OFF, true, 1ull << 63, 0 },
		{ "parentbased_traceidratio", "0.25", SAMPLER_RATIO, true, 1ull << 61, 0 },
		{ "xray", "0.25", SAMPLER_ALWAYS_ON, true, 1ull << 63, 1 },
		{ "always_onn", NULL, SAMPLER_ALWAYS_ON, true, 1ull << 63, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[100], arg[100];

		snprintf(name, sizeof(name), "OTEL_TRACES_SAMPLER=%s", cases[i].name);
		snprintf(arg, sizeof(arg), "OTEL_TRACES_SAMPLER_ARG=%s",
			 cases[i].arg ? cases[i].arg : "");
		read_one(name, arg, NULL);
		assert_int_equal(config.sampler, cases[i].sampler);
		assert_int_equal(config.parent_based, cases[i].parent_based);
		assert_int_equal(config.sampler_bound, cases[i].bound);
		assert_int_equal(config.problems, cases[i].problems);
	}
}

static void ratios(void **state)
{
	static const struct {
		const char *text;
		double ratio;
	} good[] = {
		{"0", 0},
		{"1", 1},
		{"1.0", 1},
		{"0.1", 0.1},
		{".5", 0.5},
		{"1.", 1},
		{"1e-3", 1e-3},
		{"25E-2", 0.25},
		{"0.01e+1", 0.1},
		{"0.00000000000000000000000001", 1e-26},
		{"0.3333333333333333333333333333", 1.0 / 3},
		{"1e-9999", 0},
		{"0e99999", 0},
		{"000000000000000000000000000001", 1},
		{"1.0000000000000000000000", 1},
	};
	static const char *const bad[] = {
		"",
		".",
		"e",
		"1e",
		"1e+",
		"-1",
		"+1",
		"1.1",
		"2",
		"1e1",
		"1e99999999999",
		"0.5x",
		" 1",
		"1 ",
		"0,5",
		"0x1",
		"nan",
		"inf",
		"1.0.0",
		"99999999999999999999999999",
		"10000000000000000000000000e-1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t bound = 1;
		double want = good[i].ratio * 9223372036854775808.0;

		assert_int_equal(config_parse_ratio(good[i].text, &bound), 0);
		assert_true((double)bound >= want - want * 1e-12 - 1 &&
			    (double)bound <= want + want * 1e-12 + 1);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bound = 12345;

		assert_int_equal(config_parse_ratio(bad[i], &bound), -EINVAL);
		assert_int_equal(bound, 12345);
	}
}

static void sizes(void **state)
{
	static const char *const bad[] = {
		"",
		"K",
		"-1",
		"1KB",
		"1 K",
		"1.5M",
		"1T",
		" 1",
		"999999999999999999999",
		"999999999999999999G",
		"0x10",
	};
	uint64_t n;

	(void)state;
	assert_int_equal(config_parse_size("0", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(config_parse_size("1048576", &n), 0);
	assert_int_equal(n, 1 << 20);
	assert_int_equal(config_parse_size("512K", &n), 0);
	assert_int_equal(n, 512 << 10);
	assert_int_equal(config_parse_size("16m", &n), 0);
	assert_int_equal(n, 16 << 20);
	assert_int_equal(config_parse_size("3G", &n), 0);
	assert_int_equal(n, 3ull << 30);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n = 77;
		assert_int_equal(config_parse_size(bad[i], &n), -EINVAL);
		assert_int_equal(n, 77);
	}
}

static void ring_sizes_are_clamped(void **state)
{
	(void)state;
	read_one("CTXAGENT_RING_SIZE=1", NULL, NULL);
	assert_int_equal(config.ring_size, 512 << 10);
	read_one("CTXAGENT_RING_SIZE=5G", NULL, NULL);
	assert_int_equal(config.ring_size, 64 << 20);
	read_one("CTXAGENT_RING_SIZE=1M", NULL, NULL);
	assert_int_equal(config.ring_size, 1 << 20);
	assert_int_equal(config.problems, 0);
	read_one("CTXAGENT_RING_SIZE=big", NULL, NULL);
	assert_int_equal(config.ring_size, 16 << 20);
	assert_int_equal(config.problems, 1);
}

static int directory(const char *a, const char *b, const char *c, char *out, size_t cap)
{
	const char *environment[] = { a, b, c, NULL };

	config_read(&config, env(environment), false);
	return config_directory(&config, env(environment), out, cap);
}

static void directories(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(directory("CTXAGENT_DIR=/a/b", "XDG_RUNTIME_DIR=/run/1", "HOME=/h", out,
				   sizeof(out)),
			 4);
	assert_string_equal(out, "/a/b");
	assert_int_equal(directory("CTXAGENT_DIR=/a/b///", NULL, NULL, out, sizeof(out)), 4);
	assert_string_equal(out, "/a/b");
	assert_int_equal(directory("CTXAGENT_DIR=/", NULL, NULL, out, sizeof(out)), 1);
	assert_int_equal(
		directory("CTXAGENT_DIR=", "XDG_RUNTIME_DIR=/run/1", "HOME=/h", out, sizeof(out)),
		15);
	assert_string_equal(out, "/run/1/ctxagent");
	assert_int_equal(directory("XDG_RUNTIME_DIR=run", "HOME=/h", NULL, out, sizeof(out)), 24);
	assert_string_equal(out, "/h/.local/state/ctxagent");
	assert_int_equal(directory("HOME=h", NULL, NULL, out, sizeof(out)), -ENOENT);
	assert_int_equal(directory(NULL, NULL, NULL, out, sizeof(out)), -ENOENT);
	assert_int_equal(config.problems, 0);
	assert_int_equal(directory("CTXAGENT_DIR=rel", "HOME=/h", NULL, out, sizeof(out)), 24);
	assert_int_equal(config.problems, 1);
	assert_int_equal(directory("CTXAGENT_DIR=/abc", NULL, NULL, out, 5), 4);
	assert_int_equal(directory("CTXAGENT_DIR=/abc", NULL, NULL, out, 4), -ENAMETOOLONG);
}

static void pairs(void **state)
{
	const char *list = " user.id = 42 ,job=,=x,nothing,, a=b=c ,\tz=%2C";
	static const char *const want[][2] = {
		{"user.id", "42"}, {"job", ""}, {"a", "b=c"}, {"z", "%2C"}};
	struct config_pair pair;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_true(config_next_pair(&list, &pair));
		assert_int_equal(pair.key_len, strlen(want[i][0]));
		assert_int_equal(pair.value_len, strlen(want[i][1]));
		assert_memory_equal(pair.key, want[i][0], pair.key_len);
		assert_memory_equal(pair.value, want[i][1], pair.value_len);
	}
	assert_false(config_next_pair(&list, &pair));
	assert_false(config_next_pair(&list, &pair));
	list = " = , =,";
	assert_false(config_next_pair(&list, &pair));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_set_means_defaults),
		cmocka_unit_test(every_row_is_read_and_an_empty_value_is_none),
		cmocka_unit_test(names_match_whole_and_the_first_one_wins),
		cmocka_unit_test(secure_reads_the_safe_ones_only),
		cmocka_unit_test(booleans),
		cmocka_unit_test(samplers),
		cmocka_unit_test(ratios),
		cmocka_unit_test(sizes),
		cmocka_unit_test(ring_sizes_are_clamped),
		cmocka_unit_test(directories),
		cmocka_unit_test(pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
