/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that pass inside the kernel and that nobody sees (hazard K4): carry/ learns how many. What
 * an earlier short write still owes goes out first. tee, vmsplice and copy_file_range work on pipes
 * and files, where nothing is watched; they are here so that a number that is watched is never
 * trusted after them.
 */
#include "hooks/io.h"

/* What is owed on the way out leaves first; only then may these bytes follow. */
static bool ready(uint64_t to, int out)
{
	return !to || io_flush(to, out, 0);
}

static void passed(uint64_t from, uint64_t to, ssize_t n)
{
	if (from)
		io_received_unseen(from, n);
	if (to)
		io_sent_unseen(to, n);
}

static NOINLINE ssize_t sendfile_watched(int out, int in, off_t *offset, size_t count)
{
	uint64_t from = carry_watch(in), to = carry_watch(out);
	ssize_t n;

	if (!ready(to, out))
		return -1;
	n = real.sendfile(out, in, offset, count);
	passed(from, to, n);
	return n;
}

INTERPOSE(ssize_t, sendfile, (int out, int in, off_t *offset, size_t count))
{
	if (likely(!(carry_watch(in) | carry_watch(out))))
		return real.sendfile(out, in, offset, count);
	return sendfile_watched(out, in, offset, count);
}

static NOINLINE ssize_t sendfile64_watched(int out, int in, off64_t *offset, size_t count)
{
	uint64_t from = carry_watch(in), to = carry_watch(out);
	ssize_t n;

	if (!ready(to, out))
		return -1;
	n = real.sendfile64(out, in, offset, count);
	passed(from, to, n);
	return n;
}

INTERPOSE(ssize_t, sendfile64, (int out, int in, off64_t *offset, size_t count))
{
	if (likely(!(carry_watch(in) | carry_watch(out))))
		return real.sendfile64(out, in, offset, count);
	return sendfile64_watched(out, in, offset, count);
}

static NOINLINE ssize_t splice_watched(int in, off64_t *in_offset, int out, off64_t *out_offset,
				       size_t len, unsigned int flags)
{
	uint64_t from = carry_watch(in), to = carry_watch(out);
	ssize_t n;

	if (!ready(to, out))
		return -1;
	n = real.splice(in, in_offset, out, out_offset, len, flags);
	passed(from, to, n);
	return n;
}

INTERPOSE(ssize_t, splice,
	  (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
	   unsigned int flags))
{
	if (likely(!(carry_watch(in) | carry_watch(out))))
		return real.splice(in, in_offset, out, out_offset, len, flags);
	return splice_watched(in, in_offset, out, out_offset, len, flags);
}

static NOINLINE ssize_t tee_watched(int in, int out, size_t len, unsigned int flags)
{
	uint64_t from = carry_watch(in), to = carry_watch(out);
	ssize_t n;

	if (!ready(to, out))
		return -1;
	n = real.tee(in, out, len, flags);
	passed(from, to, n);
	return n;
}

INTERPOSE(ssize_t, tee, (int in, int out, size_t len, unsigned int flags))
{
	if (likely(!(carry_watch(in) | carry_watch(out))))
		return real.tee(in, out, len, flags);
	return tee_watched(in, out, len, flags);
}

static NOINLINE ssize_t copy_file_range_watched(int in, off64_t *in_offset, int out,
						off64_t *out_offset, size_t len, unsigned int flags)
{
	uint64_t from = carry_watch(in), to = carry_watch(out);
	ssize_t n;

	if (!ready(to, out))
		return -1;
	n = real.copy_file_range(in, in_offset, out, out_offset, len, flags);
	passed(from, to, n);
	return n;
}

INTERPOSE(ssize_t, copy_file_range,
	  (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
	   unsigned int flags))
{
	if (likely(!(carry_watch(in) | carry_watch(out))))
		return real.copy_file_range(in, in_offset, out, out_offset, len, flags);
	return copy_file_range_watched(in, in_offset, out, out_offset, len, flags);
}

static NOINLINE ssize_t vmsplice_watched(int fd, const struct iovec *iov, size_t count,
					 unsigned int flags)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.vmsplice(fd, iov, count, flags);

	passed(0, connection, n);
	return n;
}

INTERPOSE(ssize_t, vmsplice, (int fd, const struct iovec *iov, size_t count, unsigned int flags))
{
	if (likely(!carry_watch(fd)))
		return real.vmsplice(fd, iov, count, flags);
	return vmsplice_watched(fd, iov, count, flags);
}
