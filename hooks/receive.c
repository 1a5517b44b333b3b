/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that come in. The connection is looked up before the call, because another thread may close
 * the descriptor while this one waits in it; what came is reported afterwards. Never reads for
 * itself.
 */
#include "hooks/io.h"

/* Not part of the stream, or not yet: the program will read these bytes again, or they are beside
 * it. */
#define FLAGS_BESIDE (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)

static size_t iov_length(const struct iovec *iov, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += iov[i].iov_len;
	return len;
}

static NOINLINE void received(uint64_t connection, const struct iovec *iov, size_t count, size_t n)
{
	bool reported = false;

	WITH_AGENT (scope) {
		carry_received(connection, iov, (int)count, n);
		reported = true;
	}
	if (!reported && n)
		carry_missed(connection);
}

void io_received_iov(uint64_t connection, const struct iovec *iov, size_t count, int flags,
		     ssize_t result)
{
	if (!connection || result < 0 || (flags & FLAGS_BESIDE))
		return;
	if (flags & MSG_TRUNC)
		io_received_unseen(connection, result);
	else if (result > 0)
		received(connection, iov, count, (size_t)result);
	else if (iov_length(iov, count))
		received(connection, NULL, 0, 0); /* the end of the stream */
}

void io_received(uint64_t connection, const void *buf, size_t len, int flags, ssize_t result)
{
	struct iovec iov = {(void *)(uintptr_t)buf, len};

	io_received_iov(connection, &iov, 1, flags, result);
}

void io_received_unseen(uint64_t connection, ssize_t n)
{
	bool reported = false;

	if (!connection || n <= 0)
		return;
	WITH_AGENT (scope) {
		carry_received_unseen(connection, (size_t)n);
		reported = true;
	}
	if (!reported)
		carry_missed(connection);
}

static NOINLINE ssize_t read_watched(int fd, void *buf, size_t len)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.read(fd, buf, len);

	io_received(connection, buf, len, 0, n);
	return n;
}

INTERPOSE(ssize_t, read, (int fd, void *buf, size_t len))
{
	if (likely(!carry_watch_read(fd)))
		return real.read(fd, buf, len);
	return read_watched(fd, buf, len);
}

static NOINLINE ssize_t read_twin_watched(int fd, void *buf, size_t len)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.__read(fd, buf, len);

	io_received(connection, buf, len, 0, n);
	return n;
}

INTERPOSE(ssize_t, __read, (int fd, void *buf, size_t len))
{
	if (likely(!carry_watch_read(fd)))
		return real.__read(fd, buf, len);
	return read_twin_watched(fd, buf, len);
}

static NOINLINE ssize_t read_chk_watched(int fd, void *buf, size_t len, size_t room)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.__read_chk(fd, buf, len, room);

	io_received(connection, buf, len, 0, n);
	return n;
}

INTERPOSE(ssize_t, __read_chk, (int fd, void *buf, size_t len, size_t room))
{
	if (likely(!carry_watch_read(fd)))
		return real.__read_chk(fd, buf, len, room);
	return read_chk_watched(fd, buf, len, room);
}

static NOINLINE ssize_t readv_watched(int fd, const struct iovec *iov, int count)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.readv(fd, iov, count);

	io_received_iov(connection, iov, (size_t)count, 0, n);
	return n;
}

INTERPOSE(ssize_t, readv, (int fd, const struct iovec *iov, int count))
{
	if (likely(!carry_watch_read(fd)))
		return real.readv(fd, iov, count);
	return readv_watched(fd, iov, count);
}

static NOINLINE ssize_t recv_watched(int fd, void *buf, size_t len, int flags)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.recv(fd, buf, len, flags);

	io_received(connection, buf, len, flags, n);
	return n;
}

INTERPOSE(ssize_t, recv, (int fd, void *buf, size_t len, int flags))
{
	if (likely(!carry_watch_read(fd)))
		return real.recv(fd, buf, len, flags);
	return recv_watched(fd, buf, len, flags);
}

static NOINLINE ssize_t recv_chk_watched(int fd, void *buf, size_t len, size_t room, int flags)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.__recv_chk(fd, buf, len, room, flags);

	io_received(connection, buf, len, flags, n);
	return n;
}

INTERPOSE(ssize_t, __recv_chk, (int fd, void *buf, size_t len, size_t room, int flags))
{
	if (likely(!carry_watch_read(fd)))
		return real.__recv_chk(fd, buf, len, room, flags);
	return recv_chk_watched(fd, buf, len, room, flags);
}

static NOINLINE ssize_t recvfrom_watched(int fd, void *buf, size_t len, int flags,
					 struct sockaddr *addr, socklen_t *addr_len)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.recvfrom(fd, buf, len, flags, addr, addr_len);

	io_received(connection, buf, len, flags, n);
	return n;
}

INTERPOSE(ssize_t, recvfrom,
	  (int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len))
{
	if (likely(!carry_watch_read(fd)))
		return real.recvfrom(fd, buf, len, flags, addr, addr_len);
	return recvfrom_watched(fd, buf, len, flags, addr, addr_len);
}

static NOINLINE ssize_t recvfrom_chk_watched(int fd, void *buf, size_t len, size_t room, int flags,
					     struct sockaddr *addr, socklen_t *addr_len)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.__recvfrom_chk(fd, buf, len, room, flags, addr, addr_len);

	io_received(connection, buf, len, flags, n);
	return n;
}

INTERPOSE(ssize_t, __recvfrom_chk,
	  (int fd, void *buf, size_t len, size_t room, int flags, struct sockaddr *addr,
	   socklen_t *addr_len))
{
	if (likely(!carry_watch_read(fd)))
		return real.__recvfrom_chk(fd, buf, len, room, flags, addr, addr_len);
	return recvfrom_chk_watched(fd, buf, len, room, flags, addr, addr_len);
}

static NOINLINE ssize_t recvmsg_watched(int fd, struct msghdr *msg, int flags)
{
	uint64_t connection = carry_watch_read(fd);
	ssize_t n = real.recvmsg(fd, msg, flags);

	if (n >= 0)
		io_received_iov(connection, msg->msg_iov, msg->msg_iovlen, flags, n);
	return n;
}

INTERPOSE(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags))
{
	if (likely(!carry_watch_read(fd)))
		return real.recvmsg(fd, msg, flags);
	return recvmsg_watched(fd, msg, flags);
}

static NOINLINE int recvmmsg_watched(int fd, struct mmsghdr *messages, unsigned int count,
				     int flags, struct timespec *timeout)
{
	uint64_t connection = carry_watch_read(fd);
	int n = real.recvmmsg(fd, messages, count, flags, timeout);

	for (int i = 0; i < n; i++)
		io_received_iov(connection, messages[i].msg_hdr.msg_iov,
				messages[i].msg_hdr.msg_iovlen, flags, messages[i].msg_len);
	return n;
}

INTERPOSE(int, recvmmsg,
	  (int fd, struct mmsghdr *messages, unsigned int count, int flags,
	   struct timespec *timeout))
{
	if (likely(!carry_watch_read(fd)))
		return real.recvmmsg(fd, messages, count, flags, timeout);
	return recvmmsg_watched(fd, messages, count, flags, timeout);
}
