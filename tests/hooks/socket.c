/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of sockets and their connections: what carry/ learns, and that the program's result and
 * errno are libc's.
 */
#include "stub_carry.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct sockaddr_in peer = { .sin_family = AF_INET };
#define PEER ((const struct sockaddr *)&peer)

static void a_socket_is_reported_once_it_exists(void **state)
{
	(void)state;
	fake_returns({ 5, 0 });
	assert_int_equal(socket(AF_INET, SOCK_STREAM, 6), 5);
	assert_log("real.socket; socket 5 2 1");
	assert_int_equal(errno, 0);

	fake_returns({ -1, EMFILE });
	assert_int_equal(socket(AF_INET, SOCK_STREAM, 6), -1);
	assert_log("real.socket");
	assert_int_equal(errno, EMFILE);
}

static void fill_pair(const struct fake_call *call)
{
	int *fds = (int *)(uintptr_t)call->arg[3];

	fds[0] = 8;
	fds[1] = 9;
}

static void both_ends_of_a_pair_are_reported(void **state)
{
	int fds[2] = { -1, -1 };

	(void)state;
	fake_during = fill_pair;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_log("real.socketpair; made 8; made 9");
	assert_int_equal(errno, 0);
	fake_returns({ -1, ENFILE });
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), -1);
	assert_log("real.socketpair");
	assert_int_equal(errno, ENFILE);
}

static void connect_tells_the_outcome(void **state)
{
	(void)state;
	stub_watch(5, CARRY_STREAM);
	assert_int_equal(connect(5, PEER, sizeof(peer)), 0);
	assert_log("real.connect; connecting 5 family 2 len 16: 0");
	assert_int_equal(errno, 0);

	fake_returns({ -1, EINPROGRESS });
	assert_int_equal(connect(5, PEER, sizeof(peer)), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_log("real.connect; connecting 5 family 2 len 16: -115");

	fake_returns({ -1, ECONNREFUSED });
	assert_int_equal(__connect(5, PEER, sizeof(peer)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_log("real.__connect; connecting 5 family 2 len 16: -111");
}

static void connect_of_an_unknown_descriptor_is_nobodys_business(void **state)
{
	(void)state;
	assert_int_equal(connect(5, PEER, sizeof(peer)), 0);
	assert_log("real.connect");
	stub_watch(5, CARRY_STREAM);
	stub_interrupt();
	assert_int_equal(connect(5, PEER, sizeof(peer)), 0);
	assert_log("real.connect");
}

static void listen_is_reported(void **state)
{
	(void)state;
	assert_int_equal(listen(4, 10), 0);
	assert_log("real.listen; listening 4");
	assert_int_equal(errno, 0);
	fake_returns({ -1, EADDRINUSE });
	assert_int_equal(listen(4, 10), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_log("real.listen");
}

static void fill_peer(const struct fake_call *call)
{
	struct sockaddr *addr = (struct sockaddr *)(uintptr_t)call->arg[1];
	socklen_t *len = (socklen_t *)(uintptr_t)call->arg[2];

	if (!addr)
		return;
	memcpy(addr, &peer, *len < sizeof(peer) ? *len : sizeof(peer));
	*len = sizeof(peer);
}

static void accept_learns_the_peer_in_the_same_call(void **state)
{
	(void)state;
	fake_returns({ 7, 0 });
	fake_during = fill_peer;
	assert_int_equal(accept(4, NULL, NULL), 7);
	assert_int_equal(fake_arg(0), 4);
	assert_log("real.accept; accepted 7 family 2 len 16");
	assert_int_equal(accept4(4, NULL, NULL, SOCK_CLOEXEC), 7);
	assert_int_equal(fake_arg(3), SOCK_CLOEXEC);
	assert_log("real.accept4; accepted 7 family 2 len 16");
	assert_int_equal(errno, 0);
}

static void accept_leaves_the_programs_buffer_alone(void **state)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	(void)state;
	fake_returns({ 7, 0 });
	fake_during = fill_peer;
	assert_int_equal(accept(4, (struct sockaddr *)&addr, &len), 7);
	assert_ptr_equal(fake_pointer(1), &addr);
	assert_ptr_equal(fake_pointer(2), &len);
	assert_log("real.accept; accepted 7 family 2 len 16");

	len = 4;	/* a part of the address: nobody knows it */
	assert_int_equal(accept4(4, (struct sockaddr *)&addr, &len, 0), 7);
	assert_int_equal(len, sizeof(peer));
	assert_log("real.accept4; accepted 7 family -1 len 0");

	fake_returns({ -1, EFAULT });
	fake_during = NULL;
	assert_int_equal(accept(4, (struct sockaddr *)&addr, NULL), -1);
	assert_int_equal(errno, EFAULT);
	assert_log("real.accept");
}

static void accept_waits_for_work(void **state)
{
	(void)state;
	carry_self.current = 1;
	fake_returns({ -1, EAGAIN });
	assert_int_equal(accept(4, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	assert_log("waiting; real.accept");
}

static void accept_passes_a_bad_length_to_the_kernel(void **state)
{
	struct sockaddr_in addr;

	(void)state;
	fake_returns({ -1, EFAULT });
	assert_int_equal(accept(4, (struct sockaddr *)&addr, (socklen_t *)8), -1);
	assert_int_equal(errno, EFAULT);
	assert_log("real.accept");
}

static void shutdown_of_a_connection_is_reported(void **state)
{
	(void)state;
	assert_int_equal(shutdown(5, SHUT_WR), 0);
	assert_log("real.shutdown");
	stub_watch(5, 7);
	assert_int_equal(shutdown(5, SHUT_WR), 0);
	assert_log("real.shutdown; shut 5 1");
	assert_int_equal(errno, 0);
	fake_returns({ -1, ENOTCONN });
	assert_int_equal(shutdown(5, SHUT_WR), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_log("real.shutdown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hook_test(a_socket_is_reported_once_it_exists),
		hook_test(both_ends_of_a_pair_are_reported),
		hook_test(connect_tells_the_outcome),
		hook_test(connect_of_an_unknown_descriptor_is_nobodys_business),
		hook_test(listen_is_reported),
		hook_test(accept_learns_the_peer_in_the_same_call),
		hook_test(accept_leaves_the_programs_buffer_alone),
		hook_test(accept_waits_for_work),
		hook_test(accept_passes_a_bad_length_to_the_kernel),
		hook_test(shutdown_of_a_connection_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
