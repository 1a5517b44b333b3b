/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types that hooks.def's rows are written in, and libc's own prototypes, so that a row that
 * does not fit is a compile error. Included first by hooks/hook.h; nothing else belongs here.
 *
 * fcntl, prctl and syscall are variadic in libc's headers. Their rows have a fixed number of longs
 * instead (hazard B6): on x86-64 and aarch64 the caller puts the arguments into the same registers
 * either way. So the variadic declarations get another name while the headers are read.
 */
#ifndef HOOKS_TYPES_H
#define HOOKS_TYPES_H

#if defined(_FILE_OFFSET_BITS) && _FILE_OFFSET_BITS == 64
#error "names with and without 64 are two rows each: build hooks/ without _FILE_OFFSET_BITS"
#endif

#define fcntl   variadic_fcntl
#define fcntl64 variadic_fcntl64
#define prctl   variadic_prctl
#define syscall variadic_syscall
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>
#undef fcntl
#undef fcntl64
#undef prctl
#undef syscall

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <threads.h>
#include <time.h>

typedef void *thread_routine(void *arg);
typedef void once_routine(void);

#endif
