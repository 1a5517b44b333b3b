/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of input and output share: reporting bytes that came, and sending bytes so that
 * carry/ may edit them. All of it is for watched connections only; a hook that finds its descriptor
 * unwatched calls libc and is done.
 *
 * carry/ reads the bytes that the program sends before the kernel has looked at them. A pointer
 * that is obviously none is left to the kernel; any other bad pointer faults here where libc would
 * have returned EFAULT. That holds for watched connections only.
 *
 * A hook asks carry_watch() twice, on the fast path and on the slow one, so that the fast path
 * keeps no register: in between another thread may have closed the descriptor, so @connection may
 * be 0 here.
 *
 * Context: any thread; the functions take the guard; errno is what the last call of libc left.
 */
#ifndef HOOKS_IO_H
#define HOOKS_IO_H

#include "hooks/hook.h"

#define IO_LOWEST 4096 /* no memory below: what small numbers stand for, the kernel may say */

/** @result came into one buffer of @len bytes. @flags as in recv(2), 0 for read(2). */
void io_received(uint64_t connection, const void *buf, size_t len, int flags,
		 ssize_t result) INTERNAL;
/** The same for @count buffers, already filled by the kernel. */
void io_received_iov(uint64_t connection, const struct iovec *iov, size_t count, int flags,
		     ssize_t result) INTERNAL;

/** The program's own call, made when carry/ wants no other bytes in its place. */
enum io_call {
	IO_WRITE,
	IO_WRITEV,
	IO_PWRITEV2,
	IO_SEND,
	IO_SENDTO,
	IO_SENDMSG,
};

/** One outgoing call of the program. */
struct io_out {
	enum io_call call;
	int fd, flags;
	const struct iovec *iov; /* the program's bytes */
	size_t count;
	const struct msghdr *msg; /* SENDTO: address; SENDMSG: the program's own */
	int64_t offset;           /* PWRITEV2 */
};

/** Makes the call, edited or not. Returns what the program gets; errno goes with it. */
ssize_t io_send(const struct io_out *out) INTERNAL;

/**
 * Sends bytes of ours that an earlier short write still owes, before a call that cannot be edited.
 * False: they did not leave; errno says why, and the program's call must fail with it.
 */
bool io_flush(uint64_t connection, int fd, int flags) INTERNAL;

/** @n bytes went out or came in that nobody could see; nothing when @n <= 0. */
void io_sent_unseen(uint64_t connection, ssize_t n) INTERNAL;
void io_received_unseen(uint64_t connection, ssize_t n) INTERNAL;

#endif
