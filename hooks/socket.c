/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets and their connections: who is made, who connects, who is accepted. Reports to carry/
 * after libc's own function has succeeded; never changes what the program gets.
 */
#include "hooks/hook.h"

#define LOWEST 4096 /* no memory below: the kernel says EFAULT */

INTERPOSE(int, socket, (int domain, int type, int protocol))
{
	int fd = real.socket(domain, type, protocol);

	if (fd >= 0)
		WITH_AGENT (scope)
			carry_socket(fd, domain, type);
	return fd;
}

INTERPOSE(int, socketpair, (int domain, int type, int protocol, int fds[2]))
{
	int result = real.socketpair(domain, type, protocol, fds);

	if (result == 0)
		WITH_AGENT (scope) {
			carry_made(fds[0]);
			carry_made(fds[1]);
		}
	return result;
}

static void connect_report(int fd, const struct sockaddr *addr, socklen_t len, int result)
{
	int error = result == 0 ? 0 : -errno;

	WITH_AGENT (scope)
		carry_connecting(fd, addr, len, error);
}

INTERPOSE(int, connect, (int fd, const struct sockaddr *addr, socklen_t len))
{
	int result = real.connect(fd, addr, len);

	if (carry_known(fd))
		connect_report(fd, addr, len, result);
	return result;
}

INTERPOSE(int, __connect, (int fd, const struct sockaddr *addr, socklen_t len))
{
	int result = real.__connect(fd, addr, len);

	if (carry_known(fd))
		connect_report(fd, addr, len, result);
	return result;
}

INTERPOSE(int, listen, (int fd, int backlog))
{
	int result = real.listen(fd, backlog);

	if (result == 0)
		WITH_AGENT (scope)
			carry_listening(fd);
	return result;
}

static void accept_wait(void)
{
	if (carry_holds())
		WITH_AGENT (scope)
			carry_waiting(false);
}

/* Of the peer's address the program may have had room for a part only: then nobody knows it. */
static void accept_report(int fd, const struct sockaddr *peer, socklen_t room, socklen_t len)
{
	WITH_AGENT (scope) {
		if (peer && len <= room)
			carry_accepted(fd, peer, len);
		else
			carry_accepted(fd, NULL, 0);
	}
}

/* The program does not want the address; asking for it in the same call costs no other. */
static NOINLINE int accept_unnamed(int fd, int flags, bool with_flags)
{
	struct sockaddr_storage peer;
	struct sockaddr *addr = (struct sockaddr *)&peer;
	socklen_t len = sizeof(peer);
	int result;

	accept_wait();
	if (with_flags)
		result = real.accept4(fd, addr, &len, flags);
	else
		result = real.accept(fd, addr, &len);
	if (result >= 0)
		accept_report(result, addr, sizeof(peer), len);
	return result;
}

static NOINLINE int accept_named(int fd, struct sockaddr *addr, socklen_t *len, int flags,
				 bool with_flags)
{
	socklen_t room = (uintptr_t)len < LOWEST ? 0 : *len;
	int result;

	accept_wait();
	if (with_flags)
		result = real.accept4(fd, addr, len, flags);
	else
		result = real.accept(fd, addr, len);
	if (result >= 0)
		accept_report(result, addr, room, *len);
	return result;
}

INTERPOSE(int, accept, (int fd, struct sockaddr *addr, socklen_t *len))
{
	if (carry_state != CARRY_ON)
		return real.accept(fd, addr, len);
	if (!addr)
		return accept_unnamed(fd, 0, false);
	return accept_named(fd, addr, len, 0, false);
}

INTERPOSE(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags))
{
	if (carry_state != CARRY_ON)
		return real.accept4(fd, addr, len, flags);
	if (!addr)
		return accept_unnamed(fd, flags, true);
	return accept_named(fd, addr, len, flags, true);
}

INTERPOSE(int, shutdown, (int fd, int how))
{
	int result = real.shutdown(fd, how);

	if (result == 0 && carry_watch(fd))
		WITH_AGENT (scope)
			carry_shut(fd, how);
	return result;
}
