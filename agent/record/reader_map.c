/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings of files that belong to somebody else. Who owns a ring file can cut it short while we
 * read it: the kernel then raises SIGBUS in us. The handler here puts zeroed memory in place of
 * the mapping, and the read goes on: zeros are an empty ring. Called by reader_file.c and
 * reader_spool.c only.
 */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "record/reader_private.h"

#define RANGES_MAX (4 * READER_MAPPED_MAX)

/* Read by the signal handler: a slot's length is set last, and cleared first. */
static struct {
	_Atomic uintptr_t at;
	_Atomic size_t len;
} ranges[RANGES_MAX];
static atomic_flag ranges_busy = ATOMIC_FLAG_INIT;
static struct sigaction before;

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	uintptr_t fault = (uintptr_t)info->si_addr;

	(void)context;
	for (size_t i = 0; i < RANGES_MAX; i++) {
		size_t len = atomic_load(&ranges[i].len);
		uintptr_t at = atomic_load(&ranges[i].at);

		if (!len || fault < at || fault - at >= len)
			continue;
		if (mmap((void *)at, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
			return;
	}
	/* Not ours: as if we had never been here. The instruction faults again. */
	sigaction(sig, &before, NULL);
}

/* The spool must not kill the reader that meets a file size limit: write() then returns EFBIG. */
static void on_file_limit(int sig)
{
	(void)sig;
}

/* Handlers, not SIG_IGN: the programs that we start must not inherit any of it. */
static void install_handlers(void)
{
	struct sigaction action, old;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_bus_error;
	action.sa_flags = SA_SIGINFO;
	if (sigaction(SIGBUS, NULL, &old) == 0 && old.sa_sigaction != on_bus_error) {
		before = old;
		sigaction(SIGBUS, &action, NULL);
	}
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_file_limit;
	action.sa_flags = SA_RESTART;
	if (sigaction(SIGXFSZ, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(SIGXFSZ, &action, NULL);
}

static bool range_add(void *at, size_t len)
{
	bool added = false;

	while (atomic_flag_test_and_set_explicit(&ranges_busy, memory_order_acquire))
		;
	install_handlers();
	for (size_t i = 0; i < RANGES_MAX && !added; i++) {
		if (atomic_load(&ranges[i].len))
			continue;
		atomic_store(&ranges[i].at, (uintptr_t)at);
		atomic_store(&ranges[i].len, len);
		added = true;
	}
	atomic_flag_clear_explicit(&ranges_busy, memory_order_release);
	return added;
}

void *reader_map(int fd, size_t len, bool writable)
{
	void *at =
		mmap(NULL, len, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (range_add(at, len))
		return at;
	munmap(at, len);
	return NULL;
}

void reader_unmap(void *at, size_t len)
{
	for (size_t i = 0; i < RANGES_MAX; i++)
		if (atomic_load(&ranges[i].at) == (uintptr_t)at &&
		    atomic_load(&ranges[i].len) == len)
			atomic_store(&ranges[i].len, 0);
	munmap(at, len);
}
