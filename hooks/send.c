/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that go out. Every call on a watched connection takes one path, io_send(): carry/ looks at
 * the bytes and may return a plan; the edited bytes, or the program's own call with its own
 * arguments, go to libc; carry/ says what the result means to the program (hazards I1, I8, I9). A
 * write never becomes a send with other flags: SIGPIPE, blocking and cancellation stay the
 * program's.
 */
#include "hooks/io.h"

#include <limits.h>

/* Completions are counted by call (K3), and urgent data has its place: parse only. */
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#define FLAGS_FIXED (MSG_OOB | MSG_ZEROCOPY)

/* May carry/ look at these? What the kernel is sure to refuse is left to it. */
static bool readable(const struct io_out *out)
{
	size_t total = 0;

	if ((uintptr_t)out->iov < IO_LOWEST || out->count == 0 || out->count > IOV_MAX)
		return false;
	for (size_t i = 0; i < out->count; i++) {
		const struct iovec *iov = &out->iov[i];

		if (iov->iov_len && (uintptr_t)iov->iov_base < IO_LOWEST)
			return false;
		if (iov->iov_len > SSIZE_MAX - total)
			return false;
		total += iov->iov_len;
	}
	return total != 0;
}

static ssize_t send_own(const struct io_out *out)
{
	const struct iovec *first = out->iov;
	int count = (int)out->count;

	switch (out->call) {
	case IO_WRITE:
		return real.write(out->fd, first->iov_base, first->iov_len);
	case IO_WRITEV:
		return real.writev(out->fd, out->iov, count);
	case IO_PWRITEV2:
		return real.pwritev64v2(out->fd, out->iov, count, out->offset, out->flags);
	case IO_SEND:
		return real.send(out->fd, first->iov_base, first->iov_len, out->flags);
	case IO_SENDTO:
		return real.sendto(out->fd, first->iov_base, first->iov_len, out->flags,
				   out->msg->msg_name, out->msg->msg_namelen);
	case IO_SENDMSG:
		break;
	}
	return real.sendmsg(out->fd, out->msg, out->flags);
}

/* The address and control data belong to the call, not to the bytes: they go along once. */
static ssize_t send_edited(const struct io_out *out, struct carry_plan *plan, bool first)
{
	struct msghdr msg = {.msg_iov = plan->iov, .msg_iovlen = (size_t)plan->iovcnt};

	switch (out->call) {
	case IO_WRITE:
	case IO_WRITEV:
		return real.writev(out->fd, plan->iov, plan->iovcnt);
	case IO_PWRITEV2:
		return real.pwritev64v2(out->fd, plan->iov, plan->iovcnt, out->offset, out->flags);
	case IO_SENDTO:
	case IO_SENDMSG:
		if (!first)
			break;
		msg.msg_name = out->msg->msg_name;
		msg.msg_namelen = out->msg->msg_namelen;
		msg.msg_control = out->msg->msg_control;
		msg.msg_controllen = out->msg->msg_controllen;
		break;
	case IO_SEND:
		break;
	}
	return real.sendmsg(out->fd, &msg, out->flags);
}

/*
 * A plan that was accepted is always settled, also if the agent was switched off meanwhile: the
 * kernel has counted bytes that are not the program's.
 */
static ssize_t settle(struct carry_plan *plan, ssize_t result)
{
	int saved = errno;
	bool entered = carry_enter();

	result = carry_sent(plan, result < 0 ? -saved : result);
	if (entered)
		carry_leave();
	errno = saved;
	return result;
}

static ssize_t answer(ssize_t result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static void plan_none(struct carry_plan *plan)
{
	plan->planned = false;
	plan->iovcnt = 0;
}

static ssize_t missed(uint64_t connection, ssize_t n)
{
	if (connection && n > 0)
		carry_missed(connection);
	return n;
}

static NOINLINE ssize_t send_planned(uint64_t connection, const struct io_out *out, int fixed)
{
	struct carry_plan plan;
	bool first = true;
	ssize_t result;

	plan_none(&plan);
	WITH_AGENT (scope)
		carry_sending(&plan, connection, out->iov, (int)out->count, fixed);
	if (!plan.planned)
		return missed(connection, send_own(out));
	do {
		result = plan.iovcnt > 0 ? send_edited(out, &plan, first) : send_own(out);
		result = settle(&plan, result);
		first = false;
	} while (result == CARRY_AGAIN);
	return answer(result);
}

/* An accepted connection: its answers are only looked at, once they have left. */
static ssize_t send_answer(uint64_t connection, const struct io_out *out)
{
	ssize_t n = send_own(out);

	if (n <= 0)
		return n;
	WITH_AGENT (scope) {
		carry_answered(connection, out->iov, (int)out->count, (size_t)n);
		return n;
	}
	return missed(connection, n);
}

ssize_t io_send(const struct io_out *out)
{
	uint64_t connection = carry_watch(out->fd);
	int fixed = CARRY_SEND_PLAIN;

	if (!connection || !readable(out))
		return missed(connection, send_own(out));
	if (connection & CARRY_SERVER)
		return send_answer(connection, out);
	if (carry_state == CARRY_ON && !carry_edits(connection))
		return send_own(out);
	if (out->flags & FLAGS_FIXED && out->call >= IO_SEND)
		fixed = CARRY_SEND_FIXED;
	/* Descriptors and credentials go with one call exactly: nothing of ours may be in it (I8).
	 */
	if (out->call == IO_SENDMSG && out->msg->msg_controllen) {
		fixed = CARRY_SEND_FIXED;
		if (!io_flush(connection, out->fd, out->flags))
			return -1;
	}
	return send_planned(connection, out, fixed);
}

bool io_flush(uint64_t connection, int fd, int flags)
{
	struct carry_plan plan;
	ssize_t result = 0;

	plan_none(&plan);
	WITH_AGENT (scope)
		carry_flushing(&plan, connection);
	if (!plan.planned || plan.iovcnt <= 0)
		return true;
	do {
		struct msghdr msg = {.msg_iov = plan.iov, .msg_iovlen = (size_t)plan.iovcnt};

		result = real.sendmsg(fd, &msg, flags & (MSG_DONTWAIT | MSG_NOSIGNAL));
		result = settle(&plan, result);
	} while (result == CARRY_AGAIN);
	return answer(result) >= 0;
}

void io_sent_unseen(uint64_t connection, ssize_t n)
{
	bool reported = false;

	if (!connection || n <= 0)
		return;
	WITH_AGENT (scope) {
		carry_sent_unseen(connection, (size_t)n);
		reported = true;
	}
	if (!reported)
		carry_missed(connection);
}

static ssize_t send_buffer(enum io_call call, int fd, const void *buf, size_t len, int flags)
{
	struct iovec iov = {(void *)(uintptr_t)buf, len};
	struct io_out out = {.call = call, .fd = fd, .flags = flags, .iov = &iov, .count = 1};

	return io_send(&out);
}

static NOINLINE ssize_t write_watched(int fd, const void *buf, size_t len)
{
	return send_buffer(IO_WRITE, fd, buf, len, 0);
}

INTERPOSE(ssize_t, write, (int fd, const void *buf, size_t len))
{
	if (likely(!carry_watch(fd)))
		return real.write(fd, buf, len);
	return write_watched(fd, buf, len);
}

INTERPOSE(ssize_t, __write, (int fd, const void *buf, size_t len))
{
	if (likely(!carry_watch(fd)))
		return real.__write(fd, buf, len);
	return write_watched(fd, buf, len);
}

static NOINLINE ssize_t writev_watched(int fd, const struct iovec *iov, int count)
{
	struct io_out out = {.call = IO_WRITEV, .fd = fd, .iov = iov, .count = (size_t)count};

	if (count < 0)
		return real.writev(fd, iov, count);
	return io_send(&out);
}

INTERPOSE(ssize_t, writev, (int fd, const struct iovec *iov, int count))
{
	if (likely(!carry_watch(fd)))
		return real.writev(fd, iov, count);
	return writev_watched(fd, iov, count);
}

static NOINLINE ssize_t send_watched(int fd, const void *buf, size_t len, int flags)
{
	return send_buffer(IO_SEND, fd, buf, len, flags);
}

INTERPOSE(ssize_t, send, (int fd, const void *buf, size_t len, int flags))
{
	if (likely(!carry_watch(fd)))
		return real.send(fd, buf, len, flags);
	return send_watched(fd, buf, len, flags);
}

INTERPOSE(ssize_t, __send, (int fd, const void *buf, size_t len, int flags))
{
	if (likely(!carry_watch(fd)))
		return real.__send(fd, buf, len, flags);
	return send_watched(fd, buf, len, flags);
}

/* Connects and sends in one call: the bytes were gone before anyone knew the connection. */
static void fast_open(int fd, const struct sockaddr *addr, socklen_t len, ssize_t n)
{
	int error = n >= 0 ? 0 : -errno;

	if (!addr || !carry_known(fd))
		return;
	WITH_AGENT (scope)
		carry_connecting(fd, addr, len, error);
	io_sent_unseen(carry_watch(fd), n);
}

static NOINLINE ssize_t sendto_slow(int fd, const void *buf, size_t len, int flags,
				    const struct sockaddr *addr, socklen_t addr_len)
{
	struct msghdr msg = {.msg_name = (void *)(uintptr_t)addr, .msg_namelen = addr_len};
	struct iovec iov = {(void *)(uintptr_t)buf, len};
	struct io_out out = {
		.call = IO_SENDTO,
		.fd = fd,
		.flags = flags,
		.iov = &iov,
		.count = 1,
		.msg = &msg,
	};
	ssize_t n;

	if (carry_watch(fd))
		return io_send(&out);
	n = real.sendto(fd, buf, len, flags, addr, addr_len);
	fast_open(fd, addr, addr_len, n);
	return n;
}

INTERPOSE(ssize_t, sendto,
	  (int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
	   socklen_t addr_len))
{
	if (likely(!carry_watch(fd) && !(flags & MSG_FASTOPEN)))
		return real.sendto(fd, buf, len, flags, addr, addr_len);
	return sendto_slow(fd, buf, len, flags, addr, addr_len);
}

static NOINLINE ssize_t sendmsg_slow(int fd, const struct msghdr *msg, int flags)
{
	struct io_out out = {.call = IO_SENDMSG, .fd = fd, .flags = flags, .msg = msg};
	ssize_t n;

	if ((uintptr_t)msg < IO_LOWEST)
		return real.sendmsg(fd, msg, flags);
	if (carry_watch(fd)) {
		out.iov = msg->msg_iov;
		out.count = msg->msg_iovlen;
		return io_send(&out);
	}
	n = real.sendmsg(fd, msg, flags);
	fast_open(fd, msg->msg_name, msg->msg_namelen, n);
	return n;
}

INTERPOSE(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags))
{
	if (likely(!carry_watch(fd) && !(flags & MSG_FASTOPEN)))
		return real.sendmsg(fd, msg, flags);
	return sendmsg_slow(fd, msg, flags);
}

/* Several messages in one call, on a stream: each is read afterwards, as it left. */
static NOINLINE void sent_message(uint64_t connection, const struct mmsghdr *message)
{
	const struct msghdr *msg = &message->msg_hdr;
	struct carry_plan plan;

	plan_none(&plan);
	if (msg->msg_iovlen && msg->msg_iovlen <= IOV_MAX)
		WITH_AGENT (scope)
			carry_sending(&plan, connection, msg->msg_iov, (int)msg->msg_iovlen,
				      CARRY_SEND_FIXED);
	if (plan.planned)
		settle(&plan, message->msg_len);
	else if (message->msg_len)
		carry_missed(connection);
}

static NOINLINE int sendmmsg_watched(int fd, struct mmsghdr *messages, unsigned int count,
				     int flags)
{
	uint64_t connection = carry_watch(fd);
	int n;

	if (!io_flush(connection, fd, flags))
		return -1;
	n = real.sendmmsg(fd, messages, count, flags);
	for (int i = 0; i < n; i++)
		sent_message(connection, &messages[i]);
	return n;
}

INTERPOSE(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned int count, int flags))
{
	if (likely(!carry_watch(fd)))
		return real.sendmmsg(fd, messages, count, flags);
	return sendmmsg_watched(fd, messages, count, flags);
}
