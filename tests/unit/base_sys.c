/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/sys.h: every call against what libc says, and the two promises that matter most: a negative
 * errno as the result, and errno itself untouched.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"

static char where[64];

static int make_directory(void **state)
{
	(void)state;
	strcpy(where, "/tmp/base_sys.XXXXXX");
	return mkdtemp(where) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(where);
}

static void errors_are_negative_and_errno_is_left_alone(void **state)
{
	struct sys_stat st;

	(void)state;
	errno = 77;
	assert_int_equal(sys_openat(AT_FDCWD, "/no/such/file", O_RDONLY, 0), -ENOENT);
	assert_int_equal(sys_close(-1), -EBADF);
	assert_int_equal(sys_read(-1, &st, 1), -EBADF);
	assert_int_equal(sys_mkdirat(AT_FDCWD, "/", 0700), -EEXIST);
	assert_int_equal(sys_unlinkat(AT_FDCWD, "/no/such/file", 0), -ENOENT);
	assert_int_equal(sys_fstat(-1, &st), -EBADF);
	assert_int_equal(sys_fallocate(-1, 0, 4096), -EBADF);
	assert_null(sys_map(4096, 1000000, 0));
	assert_null(sys_map(0, -1, 0));
	assert_int_equal(sys_unmap((void *)1, 4096), -EINVAL);
	assert_int_equal(sys_madvise((void *)4096, 4096, -1), -EINVAL);
	assert_int_equal(sys_replace((void *)1, 4096), -EINVAL);
	assert_int_equal(errno, 77);
}

static void files_are_made_read_and_removed(void **state)
{
	struct sys_stat st;
	char byte = 1;
	int dir, fd;

	(void)state;
	dir = sys_openat(AT_FDCWD, where, O_RDONLY | O_DIRECTORY, 0);
	assert_true(dir >= 0);
	assert_int_equal(sys_fstat(dir, &st), 0);
	assert_int_equal(st.mode, S_IFDIR | 0700);
	assert_int_equal(st.uid, geteuid());
	assert_int_equal(sys_mkdirat(dir, "d", 0700), 0);
	fd = sys_openat(dir, "f", O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(sys_fallocate(fd, 0, 10000), 0);
	assert_int_equal(sys_fstat(fd, &st), 0);
	assert_int_equal(st.mode, S_IFREG | 0600);
	assert_int_equal(st.size, 10000);
	assert_int_equal(sys_read(fd, &byte, 1), 1);
	assert_int_equal(byte, 0);
	assert_int_equal(sys_close(fd), 0);
	assert_int_equal(sys_unlinkat(dir, "f", 0), 0);
	assert_int_equal(sys_unlinkat(dir, "d", AT_REMOVEDIR), 0);
	assert_int_equal(sys_close(dir), 0);
}

static void mappings_are_shared_private_or_replaced(void **state)
{
	char *private, *shared, *file;
	int fd, status;
	pid_t pid;

	(void)state;
	fd = memfd_create("x", 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	private = sys_map(8192, -1, 0);
	shared = sys_map_shared(8192);
	file = sys_map(4096, fd, 4096);
	assert_non_null(private);
	assert_non_null(shared);
	assert_non_null(file);
	pid = fork();
	if (pid == 0) {
		private[0] = shared[0] = file[0] = 'x';
		_exit(sys_replace(file, 4096) != 0 || file[0] != 0 || (file[1] = 'y') != 'y');
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(private[0], 0);
	assert_int_equal(shared[0], 'x');
	assert_int_equal(file[0], 'x');
	assert_int_equal(file[1], 0);
	assert_int_equal(pread(fd, private, 1, 4096), 1);
	assert_int_equal(private[0], 'x');
	assert_int_equal(sys_madvise(private, 8192, MADV_DONTNEED), 0);
	assert_int_equal(private[0], 0);
	assert_int_equal(sys_unmap(private, 8192), 0);
	assert_int_equal(sys_unmap(shared, 8192), 0);
	assert_int_equal(sys_unmap(file, 4096), 0);
	close(fd);
}

static void the_file_size_limit_is_read(void **state)
{
	struct rlimit limit = {12345, 12345};
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(sys_file_size_limit(), UINT64_MAX);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(sys_file_size_limit() != 12345);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void ids_and_random_bytes(void **state)
{
	uint8_t a[16] = {0}, b[16] = {0};

	(void)state;
	assert_int_equal(sys_getpid(), getpid());
	assert_int_equal(sys_gettid(), gettid());
	assert_int_equal(sys_geteuid(), geteuid());
	assert_int_equal(sys_getrandom(a, sizeof(a)), sizeof(a));
	assert_int_equal(sys_getrandom(b, sizeof(b)), sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_negative_and_errno_is_left_alone),
		cmocka_unit_test(files_are_made_read_and_removed),
		cmocka_unit_test(mappings_are_shared_private_or_replaced),
		cmocka_unit_test(the_file_size_limit_is_read),
		cmocka_unit_test(ids_and_random_bytes),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
