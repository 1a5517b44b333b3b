/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hook test to copy, and the check that hooks/hook.template.c compiles and works. The template
 * has no row, so its slot and its fake are made here; a hook with a row has both already.
 */
#include "stub_carry.h"

static struct {
	int (*memfd_create)(const char *name, unsigned int flags);
} template_real;

#define real template_real
#include "hooks/hook.template.c"
#undef real

static int result, error;

static int fake_memfd_create(const char *name, unsigned int flags)
{
	stub_say("real.memfd_create %s %u", name, flags);
	if (error)
		errno = error;
	return result;
}

static int set_up(void **state)
{
	stub_setup(state);
	template_real.memfd_create = fake_memfd_create;
	result = error = 0;
	return 0;
}

#define template_test(function) cmocka_unit_test_setup_teardown(function, set_up, stub_teardown)

static void success_is_reported_after_the_call(void **state)
{
	(void)state;
	result = 6;
	assert_int_equal(memfd_create("x", 3), 6);
	assert_log("real.memfd_create x 3; made 6");
	assert_int_equal(errno, 0);
}

static void failure_is_the_programs_alone(void **state)
{
	(void)state;
	result = -1;
	error = EMFILE;
	assert_int_equal(memfd_create("x", 3), -1);
	assert_int_equal(errno, EMFILE);
	assert_log("real.memfd_create x 3");
}

static void off_or_in_a_handler_nothing_is_reported(void **state)
{
	(void)state;
	carry_state = CARRY_OFF;
	assert_int_equal(memfd_create("x", 3), 0);
	assert_log("real.memfd_create x 3");
	carry_state = CARRY_ON;
	stub_interrupt();
	assert_int_equal(memfd_create("x", 3), 0);
	assert_log("real.memfd_create x 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		template_test(success_is_reported_after_the_call),
		template_test(failure_is_the_programs_alone),
		template_test(off_or_in_a_handler_nothing_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
