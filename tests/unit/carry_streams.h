/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What carry_streams.c and carry_unseen.c share: connections that start anew for every test, and
 * how to see that one is still followed, or is not.
 */
#ifndef CARRY_STREAMS_H
#define CARRY_STREAMS_H

#include "carry_child.h"

#include "base/compiler.h"
#include "tests/unit/guard.h"

#define T       "4bf92f3577b34da6a3ce929d0e0e4736"
#define REQUEST "GET /a HTTP/1.1\r\nHost: a\r\ntraceparent: 00-" T "-00f067aa0ba902b7-01\r\n\r\n"
#define POSTED                                              \
	"POST /a HTTP/1.1\r\nHost: a\r\ntraceparent: 00-" T \
	"-00f067aa0ba902b7-01\r\nContent-Length: 10\r\n"
#define CALL   "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { SERVER = 10, CLIENT, OTHER, DUPLICATE };

static struct wire wire;
static uint64_t base[COUNTER_COUNT];

static inline uint64_t counted(enum counter id)
{
	return ring_counted(id) - base[id];
}

static inline int setup(void **state)
{
	(void)state;
	carry_waiting(false);
	for (int fd = SERVER; fd <= DUPLICATE; fd++)
		carry_closing(fd);
	open_server(SERVER);
	open_client(CLIENT);
	open_client(OTHER);
	wire.len = 0;
	for (unsigned int id = 0; id < COUNTER_COUNT; id++)
		base[id] = ring_counted(id);
	return 0;
}

/* @len bytes arrive on @fd, in memory that ends at a page nobody may touch. */
static inline void receive_part(int fd, const char *bytes, size_t len)
{
	char *copy = guard_copy(bytes, len);
	struct iovec iov = {copy, len};

	if (len)
		carry_received(carry_watch(fd), &iov, 1, len);
	guard_free(copy, len);
}

static inline void receive_end(int fd)
{
	carry_received(carry_watch(fd), NULL, 0, 0);
}

static inline void send_part(int fd, const char *bytes, size_t len)
{
	struct iovec iov = {(void *)(uintptr_t)bytes, len};

	if (len)
		assert_int_equal(send_call(fd, &iov, 1, &wire, no_limit, NULL), len);
}

/* A call on another connection leaves in the served request's trace, or in one of its own. */
static inline void assert_serving(bool serving)
{
	wire.len = 0;
	send_text(OTHER, CALL, &wire);
	assert_non_null(wire_trace(&wire, 0));
	assert_int_equal(!memcmp(wire_trace(&wire, 0), T, 32), serving);
	receive(OTHER, ANSWER);
	wire.len = 0;
}

/* The connection is still followed: one more request comes in on it, or goes out and is answered.
 */
static inline void assert_in_sync(int fd)
{
	uint64_t requests = ring_counted(COUNTER_REQUESTS),
		 injected = ring_counted(COUNTER_INJECTED);
	uint64_t spans = ring_counted(COUNTER_SPANS);

	wire.len = 0;
	if (fd == SERVER) {
		receive(SERVER, CALL);
		assert_int_equal(ring_counted(COUNTER_REQUESTS), requests + 1);
		send_text(SERVER, ANSWER, &wire);
		assert_string_equal(wire.bytes, ANSWER);
	} else {
		send_text(fd, CALL, &wire);
		assert_int_equal(ring_counted(COUNTER_INJECTED), injected + 1);
		assert_int_equal(head_count(&wire, "traceparent"), 1);
		receive(fd, ANSWER);
	}
	assert_int_equal(ring_counted(COUNTER_SPANS), spans + 1);
	assert_int_equal(counted(COUNTER_OPAQUE) + counted(COUNTER_LOST) + counted(COUNTER_TUNNELS),
			 0);
	wire.len = 0;
}

/* It is opaque: nothing that looks like a request is one. */
static inline void assert_untouched(int fd)
{
	uint64_t requests = ring_counted(COUNTER_REQUESTS),
		 exchanges = ring_counted(COUNTER_EXCHANGES);

	wire.len = 0;
	receive(fd, fd == SERVER ? REQUEST : ANSWER);
	send_text(fd, CALL, &wire);
	assert_string_equal(wire.bytes, CALL);
	assert_int_equal(ring_counted(COUNTER_REQUESTS), requests);
	assert_int_equal(ring_counted(COUNTER_EXCHANGES), exchanges);
	wire.len = 0;
}

#endif
