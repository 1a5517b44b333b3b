/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fd.c tells carry/ about descriptors that end or get a second number. Also for syscall() in
 * process.c, which can do the same things. Each costs a look at the table when nothing is known.
 * Context: any thread; takes the guard; errno is kept.
 */
#ifndef HOOKS_FD_H
#define HOOKS_FD_H

#include "hooks/hook.h"

/** Before close(@fd): afterwards another thread may already have the number. */
void fd_closing(int fd) INTERNAL;
/** Before close_range() with these arguments; does nothing for ranges that the kernel refuses. */
void fd_closing_range(unsigned int first, unsigned int last, unsigned int flags) INTERNAL;
/** After dup() and F_DUPFD; @fresh is the result, negative when the call failed. */
void fd_duplicated(int fd, int fresh) INTERNAL;
/** After dup2() and dup3(): @fresh was closed, if it was open, and is now @fd's second number. */
void fd_replaced(int fd, int fresh, int result) INTERNAL;

#endif
