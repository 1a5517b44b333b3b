/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every row of the table: with the agent off, and with the agent on and nothing to watch, the
 * arguments reach libc as they came, and result and errno reach the program as libc left them.
 */
#include "stub_carry.h"

typedef long any_function(long, long, long, long, long, long, long);

struct row {
	const char *name;
	any_function *hook;
	size_t result;		/* bytes; 0: none */
};

/* sizeof(void) is not C: 0 for it, without saying it. */
#define IS_VOID(ret) __builtin_types_compatible_p(ret, void)
#define SIZE(ret)    sizeof(*__builtin_choose_expr(IS_VOID(ret), (char *)0, (ret *)0))

static const struct row rows[] = {
#define HOOK(ret, name, params, args, version) \
	{ #name, (any_function *)(void *)name, IS_VOID(ret) ? 0 : SIZE(ret) },
#include "hooks/hooks.def"
#undef HOOK
};

/* What these are given is replaced on purpose when the agent is on. */
static bool is_replaced(const char *name)
{
	return !strcmp(name, "pthread_create") || !strcmp(name, "thrd_create");
}

/* One page each: hooks may read what a pointer points at, and find nothing. */
static char arena[7][4096] __attribute__((aligned(4096)));

static uint64_t low(uint64_t value, size_t bytes)
{
	return bytes >= 8 ? value : value & ((1ull << 8 * bytes) - 1);
}

/* libc exports some functions as f and as __f, one and the same. */
static bool is_same(const char *a, const char *b)
{
	if (!strncmp(a, "__", 2))
		a += 2;
	if (!strncmp(b, "__", 2))
		b += 2;
	return !strcmp(a, b);
}

static void check_arguments(const struct row *row)
{
	const struct fake_call *call = &fake_calls[fake_count - 1];

	/* a hook may look at a semaphore before it waits for it */
	if (fake_count != 1 && (fake_count != 2 || strcmp(fake_calls[0].name, "sem_getvalue")))
		fail_msg("%s made %d calls", row->name, fake_count);
	if (!is_same(call->name, row->name))
		fail_msg("%s called %s", row->name, call->name);
	for (int i = 0; i < call->count; i++)
		if (low(call->arg[i], call->size[i]) != low((uintptr_t)arena[i], call->size[i]))
			fail_msg("%s: argument %d changed", row->name, i);
}

static void check_row(const struct row *row, long value, int error)
{
	int before = error ? 0 : EHWPOISON;
	long result;

	fake_returns({ value, error });
	stub_log[0] = 0;
	errno = before;
	result = row->hook((long)arena[0], (long)arena[1], (long)arena[2], (long)arena[3], (long)arena[4],
			   (long)arena[5], (long)arena[6]);
	check_arguments(row);
	if (row->result && low((uint64_t)result, row->result) != low((uint64_t)value, row->result))
		fail_msg("%s: returned %ld instead of %ld", row->name, result, value);
	if (errno != (error ? error : before))
		fail_msg("%s: errno is %d", row->name, errno);
}

static void check_all(bool on)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (on && is_replaced(rows[i].name))
			continue;
		check_row(&rows[i], -1, 4711);
		check_row(&rows[i], 0, 0);
		check_row(&rows[i], 0x1234567, 0);
	}
}

static void everything_passes_when_off(void **state)
{
	(void)state;
	carry_state = CARRY_OFF;
	check_all(false);
}

static void everything_passes_when_off_and_something_is_watched(void **state)
{
	(void)state;
	stub_watch(1, 7);
	carry_state = CARRY_OFF;
	carry_self.current = 1;
	check_all(false);
	assert_null(strstr(stub_log, "; "));
}

static void everything_passes_when_nothing_is_watched(void **state)
{
	(void)state;
	check_all(true);
}

static void everything_passes_inside_the_agent(void **state)
{
	(void)state;
	carry_self.current = 1;
	stub_interrupt();
	check_all(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hook_test(everything_passes_when_off),
		hook_test(everything_passes_when_off_and_something_is_watched),
		hook_test(everything_passes_when_nothing_is_watched),
		hook_test(everything_passes_inside_the_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
