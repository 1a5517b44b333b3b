/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard E2: HTTP state belongs to the open connection, not to its number. Half a request goes over
 * one descriptor and the rest over its duplicate; a request's other half is sent by a process that
 * got the descriptor over SCM_RIGHTS and has to leave it alone.
 *
 * expect-span: CLIENT POST /dup x3 parent=none status=200
 * expect-span: CLIENT POST /passed parent=none status=200
 * expect-wire: ^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03$ x4
 */
#include "server.h"

#include <sys/wait.h>

static void both(int out, int other, int peer)
{
	char buf[4096];

	write_text(out, "POST /dup HTTP/1.1\r\nHost: h\r\nContent-Le");
	write_text(other, "ngth: 28\r\n\r\nGET /fake HTTP");
	write_text(out, "/1.1\r\n\r\nend");
	write_text(other, "abc");
	peer_request(peer, buf, sizeof(buf));
	printf("%s\n", buf);
	peer_text(peer, PEER_OK);
	if (!read_until(other, buf, sizeof(buf), "ok"))
		die("answer");
}

static void give(int channel, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {(char *)"x", 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.room,
			     .msg_controllen = sizeof(control.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(channel, &msg, 0) != 1)
		die("sendmsg");
}

static int take(int channel)
{
	char room[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = {&c, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = room,
			     .msg_controllen = sizeof(room)};
	int fd;

	if (recvmsg(channel, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

int main(void)
{
	int port, back = peer_listen(&port), out, peer, other, channel[2], status;
	char buf[4096];
	pid_t pid;

	out = client_connect(port);
	peer = peer_accept(back);
	other = dup(out);
	both(out, other, peer);
	dup2(out, other);
	both(out, other, peer);
	close(out);
	out = fcntl(other, F_DUPFD_CLOEXEC, 30);
	both(other, out, peer);
	close(out);
	close(other);
	peer_close(peer);

	/* The receiver knows nothing of the first half: what it sends may look like a request. */
	out = client_connect(port);
	peer = peer_accept(back);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel))
		die("socketpair");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(out);
		out = take(channel[1]);
		write_text(out, "GET /inner HTTP/1.1\r\nHost: h\r\n\r\n");
		_exit(0);
	}
	write_text(out, "POST /passed HTTP/1.1\r\nHost: h\r\nContent-Length: 32\r\n\r\n");
	give(channel[0], out);
	waitpid(pid, &status, 0);
	peer_request(peer, buf, sizeof(buf));
	printf("%s\nstatus %d\n", buf, status);
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
	return 0;
}
