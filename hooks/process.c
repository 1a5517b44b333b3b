/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program does to its process: vfork, seccomp filters, system calls by number. fork() has no
 * hook: its handlers are registered in preload.c, and a fork that runs no handlers is noticed by
 * carry/ at the child's next hook. The assembly in jump_*.S asks here where to go.
 */
#include "hooks/fd.h"
#include "hooks/io.h"

#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/syscall.h>

/* ---- vfork ---- */

void *target_vfork(void) INTERNAL;
void *target___vfork(void) INTERNAL;

void *target_vfork(void)
{
	if (carry_state == CARRY_ON)
		carry_vfork();
	return (void *)real.vfork;
}

void *target___vfork(void)
{
	if (carry_state == CARRY_ON)
		carry_vfork();
	return (void *)real.__vfork;
}

/* ---- seccomp ---- */

/*
 * Sealed before the filter is there: a signal handler that ran between the two could make the
 * system call that kills the program (hazard F1). Programs ask with a NULL filter whether the
 * kernel has filters at all; that one is sure to fail and seals nothing.
 */
static void seal(unsigned long mode, unsigned long filter)
{
	if (carry_state != CARRY_ON)
		return;
	/* strict mode takes the time stamp counter away too: the kernel's own clock would fault */
	if (mode == SECCOMP_MODE_STRICT)
		carry_stop();
	else if (mode == SECCOMP_MODE_FILTER && filter)
		carry_seal();
}

INTERPOSE(int, prctl,
	  (int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d))
{
	if (unlikely(option == PR_SET_SECCOMP))
		seal(a, b);
	if (unlikely(option == PR_SET_TSC && a == PR_TSC_SIGSEGV && carry_state == CARRY_ON))
		carry_stop();
	return real.prctl(option, a, b, c, d);
}

/* ---- system calls by number ---- */

/* The arguments behind the number; those that the program did not pass are whatever was there. */
struct arguments {
	long at[6];
};

static long call(long number, const struct arguments *args)
{
	return real.syscall(number, args->at[0], args->at[1], args->at[2], args->at[3], args->at[4],
			    args->at[5]);
}

static long call_seccomp(long number, const struct arguments *args)
{
	if (args->at[0] == SECCOMP_SET_MODE_STRICT)
		seal(SECCOMP_MODE_STRICT, 0);
	else if (args->at[0] == SECCOMP_SET_MODE_FILTER)
		seal(SECCOMP_MODE_FILTER, (unsigned long)args->at[2]);
	return call(number, args);
}

/* What the hook of the same name does, for the descriptor table. */
static long call_fd(long number, const struct arguments *args)
{
	int fd = (int)args->at[0], second = (int)args->at[1];
	long result;

	if (number == SYS_close)
		fd_closing(fd);
#ifdef SYS_close_range
	if (number == SYS_close_range)
		fd_closing_range((unsigned int)fd, (unsigned int)second, (unsigned int)args->at[2]);
#endif
	result = call(number, args);
	if (number == SYS_dup ||
	    (number == SYS_fcntl && (second == F_DUPFD || second == F_DUPFD_CLOEXEC)))
		fd_duplicated(fd, (int)result);
#ifdef SYS_dup2
	if (number == SYS_dup2)
		fd_replaced(fd, second, (int)result);
#endif
	if (number == SYS_dup3)
		fd_replaced(fd, second, (int)result);
	return result;
}

static void missed(long fd, long n)
{
	uint64_t connection = carry_watch((int)fd);

	if (connection && n > 0)
		carry_missed(connection);
}

/* Bytes passed a watched connection where carry/ cannot follow: it gives the connection up. */
static long call_io(long number, const struct arguments *args)
{
	long n = call(number, args);

	missed(args->at[0], n);
	if (number == SYS_splice)
		missed(args->at[2], n);
	if (number == SYS_sendfile)
		missed(args->at[1], n);
	return n;
}

typedef long call_fn(long number, const struct arguments *args);

/* Who looks at this number; NULL: nobody. */
static call_fn *caller(long number)
{
	switch (number) {
	case SYS_read:
	case SYS_readv:
	case SYS_preadv2:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev2:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_sendfile:
	case SYS_splice:
		return call_io;
	case SYS_close:
#ifdef SYS_close_range
	case SYS_close_range:
#endif
#ifdef SYS_dup2
	case SYS_dup2:
#endif
	case SYS_dup:
	case SYS_dup3:
	case SYS_fcntl:
		return call_fd;
	case SYS_seccomp:
		return call_seccomp;
	}
	return NULL;
}

/* Behind the arguments that were passed it reads the caller's own memory, as libc's syscall() does.
 */
static __attribute__((no_sanitize_address)) long syscall_seen(long number, ...)
{
	struct arguments args;
	va_list list;

	va_start(list, number);
	for (size_t i = 0; i < ARRAY_SIZE(args.at); i++)
		args.at[i] = va_arg(list, long);
	va_end(list);
	return caller(number)(number, &args);
}

void *target_syscall(long number) INTERNAL;
void *target_syscall(long number)
{
	if (carry_state == CARRY_ON && caller(number))
		return (void *)syscall_seen;
	return (void *)real.syscall;
}
