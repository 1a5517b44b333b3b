/* SPDX-License-Identifier: Apache-2.0 */
/* A program with an interpreter and no libc. See nolibc.sh. */
void _start(void);

static long call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b,
			 x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#endif
}

void _start(void)
{
#if defined(__x86_64__)
	call(1, 1, (long)"no libc\n", 8);
	call(231, 7, 0, 0);
#else
	call(64, 1, (long)"no libc\n", 8);
	call(94, 7, 0, 0);
#endif
	for (;;)
		;
}
