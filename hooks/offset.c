/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input and output at an offset. The kernel refuses them on a socket (ESPIPE), but for preadv2 and
 * pwritev2 with the offset -1, which mean "from where the stream is". So only those two are
 * followed; the others pass, and should a kernel ever serve them on a connection, that connection
 * is given up.
 */
#include "hooks/io.h"

#define AT_STREAM (-1)

static void served(uint64_t connection, ssize_t n)
{
	if (n > 0 && connection)
		carry_missed(connection);
}

static NOINLINE ssize_t pread_watched(int fd, void *buf, size_t len, off_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.pread(fd, buf, len, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, pread, (int fd, void *buf, size_t len, off_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.pread(fd, buf, len, offset);
	return pread_watched(fd, buf, len, offset);
}

static NOINLINE ssize_t pread64_watched(int fd, void *buf, size_t len, off64_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.pread64(fd, buf, len, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, pread64, (int fd, void *buf, size_t len, off64_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.pread64(fd, buf, len, offset);
	return pread64_watched(fd, buf, len, offset);
}

static NOINLINE ssize_t pread64_twin_watched(int fd, void *buf, size_t len, off64_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.__pread64(fd, buf, len, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, __pread64, (int fd, void *buf, size_t len, off64_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.__pread64(fd, buf, len, offset);
	return pread64_twin_watched(fd, buf, len, offset);
}

static NOINLINE ssize_t pread_chk_watched(int fd, void *buf, size_t len, off_t offset, size_t room)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.__pread_chk(fd, buf, len, offset, room);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, __pread_chk, (int fd, void *buf, size_t len, off_t offset, size_t room))
{
	if (likely(!carry_watch(fd)))
		return real.__pread_chk(fd, buf, len, offset, room);
	return pread_chk_watched(fd, buf, len, offset, room);
}

static NOINLINE ssize_t pread64_chk_watched(int fd, void *buf, size_t len, off64_t offset,
					    size_t room)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.__pread64_chk(fd, buf, len, offset, room);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, __pread64_chk, (int fd, void *buf, size_t len, off64_t offset, size_t room))
{
	if (likely(!carry_watch(fd)))
		return real.__pread64_chk(fd, buf, len, offset, room);
	return pread64_chk_watched(fd, buf, len, offset, room);
}

static NOINLINE ssize_t preadv_watched(int fd, const struct iovec *iov, int count, off_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.preadv(fd, iov, count, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, preadv, (int fd, const struct iovec *iov, int count, off_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.preadv(fd, iov, count, offset);
	return preadv_watched(fd, iov, count, offset);
}

static NOINLINE ssize_t preadv64_watched(int fd, const struct iovec *iov, int count, off64_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.preadv64(fd, iov, count, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, preadv64, (int fd, const struct iovec *iov, int count, off64_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.preadv64(fd, iov, count, offset);
	return preadv64_watched(fd, iov, count, offset);
}

static NOINLINE ssize_t pwrite_watched(int fd, const void *buf, size_t len, off_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.pwrite(fd, buf, len, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, pwrite, (int fd, const void *buf, size_t len, off_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.pwrite(fd, buf, len, offset);
	return pwrite_watched(fd, buf, len, offset);
}

static NOINLINE ssize_t pwrite64_watched(int fd, const void *buf, size_t len, off64_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.pwrite64(fd, buf, len, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, pwrite64, (int fd, const void *buf, size_t len, off64_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.pwrite64(fd, buf, len, offset);
	return pwrite64_watched(fd, buf, len, offset);
}

static NOINLINE ssize_t pwrite64_twin_watched(int fd, const void *buf, size_t len, off64_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.__pwrite64(fd, buf, len, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, __pwrite64, (int fd, const void *buf, size_t len, off64_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.__pwrite64(fd, buf, len, offset);
	return pwrite64_twin_watched(fd, buf, len, offset);
}

static NOINLINE ssize_t pwritev_watched(int fd, const struct iovec *iov, int count, off_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.pwritev(fd, iov, count, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, pwritev, (int fd, const struct iovec *iov, int count, off_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.pwritev(fd, iov, count, offset);
	return pwritev_watched(fd, iov, count, offset);
}

static NOINLINE ssize_t pwritev64_watched(int fd, const struct iovec *iov, int count,
					  off64_t offset)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.pwritev64(fd, iov, count, offset);

	served(connection, n);
	return n;
}

INTERPOSE(ssize_t, pwritev64, (int fd, const struct iovec *iov, int count, off64_t offset))
{
	if (likely(!carry_watch(fd)))
		return real.pwritev64(fd, iov, count, offset);
	return pwritev64_watched(fd, iov, count, offset);
}

static NOINLINE ssize_t preadv2_watched(int fd, const struct iovec *iov, int count, off_t offset,
					int flags)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.preadv2(fd, iov, count, offset, flags);

	io_received_iov(connection, iov, (size_t)count, 0, n);
	return n;
}

INTERPOSE(ssize_t, preadv2, (int fd, const struct iovec *iov, int count, off_t offset, int flags))
{
	if (likely(!carry_watch(fd)))
		return real.preadv2(fd, iov, count, offset, flags);
	return preadv2_watched(fd, iov, count, offset, flags);
}

static NOINLINE ssize_t preadv64v2_watched(int fd, const struct iovec *iov, int count,
					   off64_t offset, int flags)
{
	uint64_t connection = carry_watch(fd);
	ssize_t n = real.preadv64v2(fd, iov, count, offset, flags);

	io_received_iov(connection, iov, (size_t)count, 0, n);
	return n;
}

INTERPOSE(ssize_t, preadv64v2,
	  (int fd, const struct iovec *iov, int count, off64_t offset, int flags))
{
	if (likely(!carry_watch(fd)))
		return real.preadv64v2(fd, iov, count, offset, flags);
	return preadv64v2_watched(fd, iov, count, offset, flags);
}

static NOINLINE ssize_t send_at(int fd, const struct iovec *iov, int count, off64_t offset,
				int flags)
{
	struct io_out out = {
		.call = IO_PWRITEV2,
		.fd = fd,
		.flags = flags,
		.iov = iov,
		.count = (size_t)count,
		.offset = offset,
	};

	if (count < 0 || offset != AT_STREAM)
		return real.pwritev64v2(fd, iov, count, offset, flags);
	return io_send(&out);
}

INTERPOSE(ssize_t, pwritev2, (int fd, const struct iovec *iov, int count, off_t offset, int flags))
{
	if (likely(!carry_watch(fd)))
		return real.pwritev2(fd, iov, count, offset, flags);
	return send_at(fd, iov, count, offset, flags);
}

INTERPOSE(ssize_t, pwritev64v2,
	  (int fd, const struct iovec *iov, int count, off64_t offset, int flags))
{
	if (likely(!carry_watch(fd)))
		return real.pwritev64v2(fd, iov, count, offset, flags);
	return send_at(fd, iov, count, offset, flags);
}
