/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw system calls of base/sys.h. Called by record/, base/pool and start code; never once the
 * program has installed a seccomp filter. Must never go through libc: a libc function may be
 * hooked, sets errno, and may be a cancellation point.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "base/sys.h"

#define FALLOCATE_TRIES 8

static long sys_pointer(const void *p)
{
	return (long)(uintptr_t)p;
}

int sys_openat(int dir, const char *path, int flags, unsigned int mode)
{
	return (int)sys_call(SYS_openat, dir, sys_pointer(path), flags, (long)mode, 0, 0);
}

int sys_close(int fd)
{
	return (int)sys_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

long sys_read(int fd, void *buf, size_t len)
{
	return sys_call(SYS_read, fd, sys_pointer(buf), (long)len, 0, 0, 0);
}

int sys_mkdirat(int dir, const char *path, unsigned int mode)
{
	return (int)sys_call(SYS_mkdirat, dir, sys_pointer(path), (long)mode, 0, 0, 0);
}

int sys_unlinkat(int dir, const char *path, int flags)
{
	return (int)sys_call(SYS_unlinkat, dir, sys_pointer(path), flags, 0, 0, 0);
}

/* On both 64-bit conventions the kernel's struct stat is libc's. */
int sys_fstat(int fd, struct sys_stat *out)
{
	struct stat st = {0};
	long ret = sys_call(SYS_fstat, fd, sys_pointer(&st), 0, 0, 0, 0);

	if (ret < 0)
		return (int)ret;
	out->uid = st.st_uid;
	out->mode = st.st_mode;
	out->size = st.st_size < 0 ? 0 : (uint64_t)st.st_size;
	return 0;
}

/* For file systems without fallocate: real zeros are as good as real blocks. */
static COLD int sys_fill(int fd, int64_t off, int64_t len)
{
	static const char zeros[4096];

	while (len > 0) {
		long n = len < (int64_t)sizeof(zeros) ? (long)len : (long)sizeof(zeros);

		n = sys_call(SYS_pwrite64, fd, sys_pointer(zeros), n, off, 0, 0);
		if (n <= 0)
			return n ? (int)n : -ENOSPC;
		off += n;
		len -= n;
	}
	return 0;
}

int sys_fallocate(int fd, int64_t off, int64_t len)
{
	long ret = -EINTR;

	/* A signal undoes a half-done allocation on tmpfs: a few more tries, not endless ones. */
	for (int i = 0; i < FALLOCATE_TRIES && ret == -EINTR; i++)
		ret = sys_call(SYS_fallocate, fd, 0, off, len, 0, 0);
	if (ret == -EOPNOTSUPP)
		return sys_fill(fd, off, len);
	return (int)ret;
}

uint64_t sys_file_size_limit(void)
{
	struct rlimit limit = {0};
	long ret = sys_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, sys_pointer(&limit), 0, 0);

	if (ret < 0 || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}

static void *sys_mmap(size_t len, int flags, int fd, int64_t off)
{
	long ret = sys_call(SYS_mmap, 0, (long)len, PROT_READ | PROT_WRITE, flags, fd, off);

	/* The last 4095 addresses are the kernel's way to say errno. */
	if ((unsigned long)ret > -4096ul)
		return NULL;
	return (void *)(uintptr_t)ret;
}

void *sys_map(size_t len, int fd, int64_t off)
{
	if (fd < 0)
		return sys_mmap(len, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return sys_mmap(len, MAP_SHARED | MAP_POPULATE, fd, off);
}

void *sys_map_shared(size_t len)
{
	return sys_mmap(len, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int sys_unmap(void *at, size_t len)
{
	return (int)sys_call(SYS_munmap, sys_pointer(at), (long)len, 0, 0, 0, 0);
}

int sys_madvise(void *at, size_t len, int advice)
{
	return (int)sys_call(SYS_madvise, sys_pointer(at), (long)len, advice, 0, 0, 0);
}

int sys_replace(void *at, size_t len)
{
	long ret = sys_call(SYS_mmap, sys_pointer(at), (long)len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);

	return (unsigned long)ret > -4096ul ? (int)ret : 0;
}

int sys_getpid(void)
{
	return (int)sys_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

int sys_gettid(void)
{
	return (int)sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

unsigned int sys_geteuid(void)
{
	return (unsigned int)sys_call(SYS_geteuid, 0, 0, 0, 0, 0, 0);
}

long sys_getrandom(void *buf, size_t len)
{
	return sys_call(SYS_getrandom, sys_pointer(buf), (long)len, 1 /* GRND_NONBLOCK */, 0, 0, 0);
}
