/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hook test works with: a carry/ that decides nothing and writes down what it is told, and a
 * libc whose functions are fakes that write down how they are called. Both write into one text, so
 * a test reads results and order off one string:
 *
 *     real.recv; received 7 "abc"
 *
 * Every fake checks that the guard is not held, every carry function that needs it, that it is; and
 * every carry function leaves EXFULL in errno, which no program may ever see.
 */
#ifndef TESTS_HOOKS_STUB_CARRY_H
#define TESTS_HOOKS_STUB_CARRY_H

#include "hooks/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- what happened ---- */

extern char stub_log[16384];
void stub_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The log is exactly this; and it is empty again. */
#define assert_log(text)                            \
	do {                                        \
		assert_string_equal(stub_log, text); \
		stub_log[0] = 0;                    \
	} while (0)

/* ---- carry/ ---- */

/** cmocka's set-up: the agent is on, nothing is watched or held, every slot of real is a fake. */
int stub_setup(void **state);
/** cmocka's tear-down: the agent is off and real is libc again. */
int stub_teardown(void **state);

#define hook_test(function) cmocka_unit_test_setup_teardown(function, stub_setup, stub_teardown)

/** The table says this about @fd: a connection, CARRY_STREAM, or 0 for nothing. */
void stub_watch(int fd, uint64_t connection);
/**
 * The guard is taken, as in a signal handler that interrupted the agent: every hook must make the
 * program's own call and tell carry/ no more than carry_missed().
 */
void stub_interrupt(void);
extern uint32_t stub_inside;
/** @fd was made under the current request: carry_own() says yes. */
void stub_own(int fd);

/** What carry_sending() answers, and carry_flushing() when @owed is set. */
struct stub_plan {
	bool refuse;			/* planned stays false */
	const char *text[4];		/* the iovecs of an edited call; none: the program's own call */
	const char *owed;
	ssize_t answer[8];		/* what carry_sent() says, call by call; 0: the same as the result */
	int answered;
	void (*before_sent)(void);	/* called when carry_sending() has returned */
};
extern struct stub_plan stub_plan;

/* ---- libc ---- */

struct fake_call {
	const char *name;
	int count;
	uint64_t arg[7];
	uint8_t size[7];
};

/** The calls so far; the result of the next ones; what a call does, for buffers that it fills. */
extern struct fake_call fake_calls[64];
extern int fake_count;
struct fake_result {
	long value;
	int error;		/* errno, when not 0 */
};
extern struct fake_result fake_results[16];
extern void (*fake_during)(const struct fake_call *call);

void fake_plan(const struct fake_result *list, size_t count);

/** The results of the next calls, in their order; the last one stays. */
#define fake_returns(...)                                          \
	do {                                                       \
		const struct fake_result list[] = { __VA_ARGS__ }; \
		fake_plan(list, ARRAY_SIZE(list));                 \
	} while (0)

/** Argument @i of the last call. */
uint64_t fake_arg(int i);
void *fake_pointer(int i);

#endif
