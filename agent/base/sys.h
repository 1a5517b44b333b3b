/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw system calls for the agent's own needs: start, growth, a noticed fork. They bypass libc, so
 * they meet no hook, touch no errno and are no cancellation points. Nothing here may be called once
 * the program has installed a seccomp filter; the callers in record/ and base/pool check that.
 *
 * Each returns what the kernel returned: a result, or a negative errno.
 * Context: any thread, signal-safe, no locks.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#include "base/sys_x86_64.h"
#elif defined(__aarch64__)
#include "base/sys_aarch64.h"
#else
#error "ctxagent knows the system call convention of x86-64 and aarch64 only"
#endif

int sys_openat(int dir, const char *path, int flags, unsigned int mode);
int sys_close(int fd);
long sys_read(int fd, void *buf, size_t len);
int sys_mkdirat(int dir, const char *path, unsigned int mode);
int sys_unlinkat(int dir, const char *path, int flags);

/** Owner, mode and size of what @fd names. Returns 0 or a negative errno. */
struct sys_stat {
	uint32_t uid;
	uint32_t mode;
	uint64_t size;
};
int sys_fstat(int fd, struct sys_stat *out);

/** Blocks for [@off, @off + @len) are really there afterwards: no SIGBUS later (hazards F5). */
int sys_fallocate(int fd, int64_t off, int64_t len);

/** The soft RLIMIT_FSIZE in bytes; UINT64_MAX when there is none or it cannot be read. */
uint64_t sys_file_size_limit(void);

/** Maps @len bytes; with @fd < 0 private anonymous memory. NULL when the kernel refuses. */
void *sys_map(size_t len, int fd, int64_t off);
/** Shared anonymous memory: survives fork as the same pages. NULL when the kernel refuses. */
void *sys_map_shared(size_t len);
int sys_unmap(void *at, size_t len);
int sys_madvise(void *at, size_t len, int advice);
/** Puts private zeroed memory where @at is mapped: what was shared there is shared no more. */
int sys_replace(void *at, size_t len);

int sys_getpid(void);
int sys_gettid(void);
unsigned int sys_geteuid(void);

/** Up to @len random bytes without blocking. Returns the count or a negative errno. */
long sys_getrandom(void *buf, size_t len);

#endif
