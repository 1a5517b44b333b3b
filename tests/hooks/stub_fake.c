/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fake for every row of the table: it writes down the call and returns what the test wants.
 */
#include "stub_carry.h"

struct fake_call fake_calls[64];
int fake_count;
uint32_t stub_inside;
struct fake_result fake_results[16];
void (*fake_during)(const struct fake_call *call);

static long fake_called(struct fake_call call)
{
	struct fake_result result = fake_results[fake_count < 16 ? fake_count : 15];

	assert_int_equal(carry_self.inside, stub_inside);
	assert_in_range(fake_count, 0, ARRAY_SIZE(fake_calls) - 1);
	fake_calls[fake_count++] = call;
	stub_say("real.%s", call.name);
	if (fake_during)
		fake_during(&call);
	if (result.error)
		errno = result.error;
	return result.value;
}

void fake_plan(const struct fake_result *list, size_t count)
{
	for (size_t i = 0; i < ARRAY_SIZE(fake_results); i++)
		fake_results[i] = list[i < count ? i : count - 1];
	fake_count = 0;
}

uint64_t fake_arg(int i)
{
	assert_in_range(fake_count, 1, ARRAY_SIZE(fake_calls));
	return fake_calls[fake_count - 1].arg[i];
}

void *fake_pointer(int i)
{
	return (void *)(uintptr_t)fake_arg(i);
}

/* Arguments as numbers, with their sizes; the table has none that is neither integer nor pointer. */
#define VALUE(x) ((uint64_t)(uintptr_t)(x))
#define SIZE(x) sizeof(__typeof__(x))
#define EACH_0(f)
#define EACH_1(f, a) f(a)
#define EACH_2(f, a, ...) f(a), EACH_1(f, __VA_ARGS__)
#define EACH_3(f, a, ...) f(a), EACH_2(f, __VA_ARGS__)
#define EACH_4(f, a, ...) f(a), EACH_3(f, __VA_ARGS__)
#define EACH_5(f, a, ...) f(a), EACH_4(f, __VA_ARGS__)
#define EACH_6(f, a, ...) f(a), EACH_5(f, __VA_ARGS__)
#define EACH_7(f, a, ...) f(a), EACH_6(f, __VA_ARGS__)
#define PICK(_0, _1, _2, _3, _4, _5, _6, _7, n, ...) n
#define COUNT(...) PICK(_, ##__VA_ARGS__, 7, 6, 5, 4, 3, 2, 1, 0)
#define PASTE(a, b) a##b
#define EACH(n, f, ...) PASTE(EACH_, n)(f, ##__VA_ARGS__)
#define ARGUMENTS(...) COUNT(__VA_ARGS__), { EACH(COUNT(__VA_ARGS__), VALUE, ##__VA_ARGS__) }, \
		       { EACH(COUNT(__VA_ARGS__), SIZE, ##__VA_ARGS__) }

#define HOOK(ret, name, params, args, version)                                      \
	static ret fake_##name params                                               \
	{                                                                           \
		return (ret)fake_called((struct fake_call){ #name, ARGUMENTS args }); \
	}
#include "hooks/hooks.def"
#undef HOOK

static void fake_install(void)
{
#define HOOK(ret, name, params, args, version) real.name = fake_##name;
#include "hooks/hooks.def"
#undef HOOK
	memset(fake_results, 0, sizeof(fake_results));
	fake_count = 0;
	fake_during = NULL;
}

static struct carry_slot page[1 << CARRY_PAGE_BITS];

int stub_setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	carry_pages[0] = page;
	memset(&carry_self, 0, sizeof(carry_self));
	carry_self.waited = true;
	stub_inside = 0;
	memset(&stub_plan, 0, sizeof(stub_plan));
	stub_log[0] = 0;
	fake_install();
	carry_state = CARRY_ON;
	errno = 0;
	return 0;
}

int stub_teardown(void **state)
{
	(void)state;
	carry_state = CARRY_OFF;
	carry_pages[0] = NULL;
	real_resolve();
	return 0;
}

void stub_watch(int fd, uint64_t connection)
{
	page[fd].connection = connection;
}

void stub_interrupt(void)
{
	carry_self.inside = stub_inside = 1;
}
