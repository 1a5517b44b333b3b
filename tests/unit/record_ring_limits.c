/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring where there should be none: directories that are not ours alone, limits, full file
 * systems, sandboxes, forks. The program must never notice. Cases that need root are skipped
 * without it.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "record_harness.h"

#define SEGMENTS(n) (RING_HEADER_SIZE + (n) * RING_SEGMENT_SIZE)

static int open_in(const char *directory)
{
	static uint64_t generation = 0x77000;
	struct ring_identity identity = {
		.directory = directory,
		.executable = "prog",
		.size_max = SEGMENTS(4),
		.generation = ++generation,
	};

	ring_forget();
	return ring_open(&identity);
}

/* ---- directories ---- */

static void directories_are_made_private(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(open_in(help_path("a/b/c")), 0);
	assert_int_equal(stat(help_path("a"), &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(stat(help_path("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(open_in(help_path("a/b/c///")), 0);
}

static void paths_that_cannot_be(void **state)
{
	static char path[5000];
	struct ring_identity identity = {
		.directory = help_dir, .size_max = SEGMENTS(1) - 1, .generation = 1};

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	assert_int_equal(open_in(path), -ENAMETOOLONG);
	assert_int_equal(open_in(NULL), -ENOENT);
	assert_int_equal(open_in(""), -ENOENT);
	assert_int_equal(open_in("relative"), -ENOENT);
	assert_int_equal(open_in("/proc/no/such"), -ENOENT);
	ring_forget();
	assert_int_equal(ring_open(&identity), -ENOSPC);
}

static void links_and_files_are_no_directories(void **state)
{
	char link[600], target[600];

	(void)state;
	strcpy(target, help_path("target"));
	strcpy(link, help_path("link"));
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(open_in(link), -ENOTDIR);
	strcat(link, "/");
	assert_int_equal(open_in(link), -ENOTDIR);
	close(open(help_path("file"), O_CREAT | O_WRONLY, 0700));
	assert_int_equal(open_in(help_path("file")), -ENOTDIR);
	assert_int_equal(rmdir(target), 0);
	/* A link to nothing: mkdir does not make what it points to. */
	assert_true(open_in(help_path("link")) < 0);
	assert_int_equal(access(target, F_OK), -1);
}

static void others_must_not_write_there(void **state)
{
	(void)state;
	assert_int_equal(mkdir(help_path("d"), 0700), 0);
	assert_int_equal(chmod(help_path("d"), 0720), 0);
	assert_int_equal(open_in(help_path("d")), -EPERM);
	assert_int_equal(chmod(help_path("d"), 0702), 0);
	assert_int_equal(open_in(help_path("d")), -EPERM);
	assert_int_equal(chmod(help_path("d"), 01777), 0);
	assert_int_equal(open_in(help_path("d")), -EPERM);
	assert_int_equal(chmod(help_path("d"), 0755), 0);
	assert_int_equal(open_in(help_path("d")), 0);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(help_path("d"), 12345, 12345), 0);
	assert_int_equal(open_in(help_path("d")), -EPERM);
	assert_int_equal(ring_counted(COUNTER_RING_FAILED), 1);
}

static void a_name_that_is_taken_is_refused(void **state)
{
	struct ring_identity identity = {
		.directory = help_dir, .size_max = SEGMENTS(1), .generation = 5};
	struct stat st;
	char name[40], elsewhere[600];

	(void)state;
	strcpy(elsewhere, help_path("elsewhere"));
	snprintf(name, sizeof(name), "%d-%016x%s", getpid(), 5, RING_SUFFIX);
	assert_int_equal(symlink(elsewhere, help_path(name)), 0);
	assert_int_equal(ring_open(&identity), -EEXIST);
	assert_int_equal(stat(elsewhere, &st), -1);
	/* A failure is final, and cheap. */
	assert_int_equal(unlink(help_path(name)), 0);
	assert_int_equal(ring_open(&identity), -EEXIST);
	assert_int_equal(ring_counted(COUNTER_RING_FAILED), 1);
	assert_false(ring_is_open());
}

static void without_a_ring_records_are_counted(void **state)
{
	struct ring_writer w = { 0 };

	(void)state;
	assert_true(open_in("relative") < 0);
	assert_false(help_write(&w, 0, 0, 0));
	ring_commit(&w);
	ring_release(&w);
	assert_int_equal(ring_counted(COUNTER_RING_DROPPED), 1);
	assert_int_equal(ring_counted(COUNTER_RING_FAILED), 1);
}

/* ---- limits: in children, because there is no way back ---- */

static int with_file_limit(void)
{
	struct ring_writer w = { 0 };
	struct rlimit limit = { SEGMENTS(1) - 1, RLIM_INFINITY };

	setrlimit(RLIMIT_FSIZE, &limit);
	if (help_open(SEGMENTS(4)) != -EFBIG || help_count_files(RING_SUFFIX) != 0)
		return 1;
	limit.rlim_cur = SEGMENTS(2);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (help_open(SEGMENTS(4)) != 0)
		return 2;
	for (uint64_t i = 0; i < 10000; i++)
		if (!help_write(&w, 0, i, 0))
			return 3;
	return ring_counted(COUNTER_RING_FAILED) != 1 || help_peek().torn != 0;
}

static int with_few_descriptors(void)
{
	struct rlimit limit = { 0, 0 };

	setrlimit(RLIMIT_NOFILE, &limit);
	return help_open(SEGMENTS(4)) != -EMFILE;
}

static int with_little_address_space(void)
{
	struct rlimit limit = { 1 << 20, RLIM_INFINITY };

	setrlimit(RLIMIT_AS, &limit);
	return help_open(SEGMENTS(4)) != -ENOMEM || help_count_files(RING_SUFFIX) != 0;
}

static void limits_make_us_step_aside(void **state)
{
	(void)state;
	assert_int_equal(help_child(with_file_limit), 0);
	assert_int_equal(unlink(help_file(RING_SUFFIX)), 0);
	assert_int_equal(help_child(with_few_descriptors), 0);
	if (!HELP_SANITIZED)
		assert_int_equal(help_child(with_little_address_space), 0);
}

#define SKIPPED 77

/* A file system that is full after one segment, then after a bit more than none. */
static int with_full_file_system(void)
{
	struct ring_writer w = { 0 };
	int ret;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", help_dir, "tmpfs", 0, "size=512k,mode=0700") != 0)
		return SKIPPED;
	ret = help_open(SEGMENTS(4));
	if (ret != 0)
		return 1;
	for (uint64_t i = 0; i < 10000; i++)
		if (!help_write(&w, 0, i, 0))
			return 2;
	if (ring_counted(COUNTER_RING_FAILED) != 1 || help_peek().torn != 0)
		return 3;
	/* The first one fills it: a second process finds no room, and leaves nothing behind. */
	if (help_open(SEGMENTS(4)) != -ENOSPC || help_count_files(RING_SUFFIX) != 1)
		return 4;
	return 0;
}

static void a_full_file_system_is_no_bus_error(void **state)
{
	int status = help_child(with_full_file_system);

	(void)state;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

/*
 * Whatever system call but exit kills. (Strict mode would do, but takes rdtsc away too, and so
 * the clock.)
 */
static int allow_exit_only(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int in_a_sandbox(void)
{
	struct ring_identity again = {
		.directory = help_dir, .size_max = SEGMENTS(4), .generation = 0xabc};
	struct ring_writer w = { 0 }, fresh = { 0 };
	bool bad = false;

	if (help_open(SEGMENTS(4)) != 0)
		return 1;
	help_write(&w, 0, 0, 0);
	ring_seal();
	if (allow_exit_only() != 0)
		return 2;
	for (uint64_t i = 1; i < 10000; i++)
		bad |= !help_write(&w, 0, i, 0);
	bad |= !help_write(&fresh, 1, 1, 0);
	ring_release(&w);
	ring_forget();
	bad |= ring_open(&again) != -EPERM;
	syscall(SYS_exit, bad ? 3 : 0);
	return 4;
}

static void sealed_means_no_system_call(void **state)
{
	struct help_seen seen;
	struct stat st;

	(void)state;
	if (HELP_SANITIZED)
		skip();
	assert_int_equal(help_child(in_a_sandbox), 0);
	assert_int_equal(stat(help_file(RING_SUFFIX), &st), 0);
	assert_int_equal(st.st_size, SEGMENTS(1));
	seen = help_peek();
	assert_int_equal(seen.torn + seen.doubled + seen.gaps, 0);
	assert_int_equal(seen.next[0], 10000);
	assert_int_equal(seen.next[1], 2);
}

/* ---- forks ---- */

static struct ring_writer shared;
static struct numbered *half;

static int child_that_was_told(void)
{
	struct ring_writer w = { 0 };

	ring_forget();
	/* The handler that forked returns into the middle of the parent's record. */
	memset(half, 0xff, 200);
	ring_commit(&shared);
	if (ring_is_open() || help_write(&shared, 3, 0, 0) ||
	    ring_counted(COUNTER_RING_DROPPED) != 1)
		return 1;
	if (help_open(SEGMENTS(4)) != 0)
		return 2;
	return !help_write(&w, 5, 0, 0) || !help_write(&shared, 5, 1, 0);
}

static int child_that_was_not_told(void)
{
	/* Its bytes are still the parent's, and so would be the segment that it gave back. */
	ring_commit(&shared);
	if (ring_is_open() || help_write(&shared, 3, 0, 0))
		return 1;
	ring_release(&shared);
	return help_open(SEGMENTS(4)) != 0 || !help_write(&shared, 6, 0, 0);
}

static void children_leave_the_parents_ring_alone(void **state)
{
	struct help_seen seen;

	(void)state;
	assert_int_equal(help_open(SEGMENTS(4)), 0);
	assert_true(help_write(&shared, 1, 0, 0));
	half = ring_reserve(&shared, 200, 1);
	half->record.size = 200;
	half->record.kind = KIND_NUMBERED;
	half->thread = half->number = 1;
	memset(half->fill, 7, 200 - sizeof(*half));
	half->sum = help_sum(half, 200 - sizeof(*half));
	assert_int_equal(help_child(child_that_was_told), 0);
	assert_int_equal(help_child(child_that_was_not_told), 0);
	assert_int_equal(help_count_files(RING_SUFFIX), 3);
	seen = help_peek();
	assert_int_equal(seen.next[1], 1);
	ring_commit(&shared);
	assert_true(help_write(&shared, 1, 2, 0));
	seen = help_peek();
	assert_int_equal(seen.next[1], 3);
	assert_int_equal(seen.next[3], 0);
	assert_int_equal(seen.next[5], 2);
	assert_int_equal(seen.next[6], 1);
	assert_int_equal(seen.torn + seen.doubled + seen.gaps, 0);
	assert_int_equal(ring_counted(COUNTER_RING_DROPPED), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(directories_are_made_private),
		T(paths_that_cannot_be),
		T(links_and_files_are_no_directories),
		T(others_must_not_write_there),
		T(a_name_that_is_taken_is_refused),
		T(without_a_ring_records_are_counted),
		T(limits_make_us_step_aside),
		T(a_full_file_system_is_no_bus_error),
		T(sealed_means_no_system_call),
		T(children_leave_the_parents_ring_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
