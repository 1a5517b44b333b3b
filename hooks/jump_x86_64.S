/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks that are tail jumps, on x86-64. Each asks target_NAME() in C where to go, then jumps there
 * with stack and argument registers as the program left them.
 *
 *     vfork    the child runs on the parent's stack until it execs, so no frame of ours may lie below
 *              the program's when libc's vfork returns for the first time (hazard D1)
 *     syscall  some numbers return twice or on another stack; and it is variadic: the place of a seventh
 *              argument is the caller's own memory when there is none, which C would feel free to write
 *     pthread_cond_wait, pthread_cond_timedwait of glibc before 2.3.2: here because link-time optimisation
 *              loses one of two C functions with the same exported name
 *
 * The stubs of the first two do the same.
 */
	.text
	.macro	TAIL_JUMP name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	endbr64
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	pushq	%rsi
	.cfi_adjust_cfa_offset 8
	pushq	%rdx
	.cfi_adjust_cfa_offset 8
	pushq	%rcx
	.cfi_adjust_cfa_offset 8
	pushq	%r8
	.cfi_adjust_cfa_offset 8
	pushq	%r9
	.cfi_adjust_cfa_offset 8
	subq	$8, %rsp		/* the stack is aligned for the call */
	.cfi_adjust_cfa_offset 8
	call	target_\name
	movq	%rax, %r11
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r9
	.cfi_adjust_cfa_offset -8
	popq	%r8
	.cfi_adjust_cfa_offset -8
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	popq	%rdx
	.cfi_adjust_cfa_offset -8
	popq	%rsi
	.cfi_adjust_cfa_offset -8
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	xorl	%eax, %eax		/* no vector registers, for a variadic function */
	jmp	*%r11
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.hidden	stub_vfork, stub___vfork, stub_syscall
	TAIL_JUMP	vfork
	TAIL_JUMP	__vfork
	TAIL_JUMP	syscall
	TAIL_JUMP	stub_vfork
	TAIL_JUMP	stub___vfork
	TAIL_JUMP	stub_syscall
	TAIL_JUMP	pthread_cond_wait_2_2_5
	TAIL_JUMP	pthread_cond_timedwait_2_2_5
	.symver	pthread_cond_wait_2_2_5, pthread_cond_wait@GLIBC_2.2.5
	.symver	pthread_cond_timedwait_2_2_5, pthread_cond_timedwait@GLIBC_2.2.5

	.section .note.GNU-stack, "", @progbits
