/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system call instruction of x86-64: number in rax, arguments in rdi rsi rdx r10 r8 r9; the
 * kernel clobbers rcx and r11. Included by base/sys.h only.
 */
#ifndef BASE_SYS_X86_64_H
#define BASE_SYS_X86_64_H

static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#endif
