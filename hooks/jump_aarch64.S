/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks that are tail jumps, on aarch64. Each asks target_NAME() in C where to go, then jumps there
 * with stack and argument registers as the program left them.
 *
 *     vfork    the child runs on the parent's stack until it execs, so no frame of ours may lie below
 *              the program's when libc's vfork returns for the first time (hazard D1)
 *     syscall  some numbers return twice or on another stack; and it is variadic: the place of a seventh
 *              argument is the caller's own memory when there is none, which C would feel free to write
 *
 * Their stubs do the same.
 */
	.text
	.macro	TAIL_JUMP name
	.globl	\name
	.type	\name, %function
	.p2align 4
\name:
	.cfi_startproc
	hint	34			/* bti c */
	stp	x29, x30, [sp, #-80]!
	.cfi_def_cfa_offset 80
	.cfi_offset 29, -80
	.cfi_offset 30, -72
	stp	x0, x1, [sp, #16]
	stp	x2, x3, [sp, #32]
	stp	x4, x5, [sp, #48]
	stp	x6, x7, [sp, #64]
	bl	target_\name
	mov	x16, x0			/* a jump through x16 may land on bti c */
	ldp	x0, x1, [sp, #16]
	ldp	x2, x3, [sp, #32]
	ldp	x4, x5, [sp, #48]
	ldp	x6, x7, [sp, #64]
	ldp	x29, x30, [sp], #80
	.cfi_def_cfa_offset 0
	.cfi_restore 29
	.cfi_restore 30
	br	x16
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

	.section .note.GNU-stack, "", %progbits
