/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of carry/ share: an agent that records nothing, connections on made-up descriptors,
 * and a kernel that takes as many bytes as it is told to.
 */
#ifndef CARRY_HARNESS_H
#define CARRY_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "carry/carry.h"
#include "config/config.h"
#include "record/counter.h"
#include "record/ring.h"

static inline void start_agent(char *const *environment)
{
	static char *none[] = {NULL};
	struct config config;
	struct carry_options options = {.config = &config, .executable = "test"};

	config_read(&config, environment ? environment : none, false);
	assert_int_equal(carry_start(&options), 0);
	assert_true(carry_enter());
	carry_leave();
}

static inline struct sockaddr_in peer_address(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8080)};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return to;
}

static inline void open_server(int fd)
{
	struct sockaddr_in from = peer_address();

	carry_accepted(fd, (struct sockaddr *)&from, sizeof(from));
}

static inline void open_client(int fd)
{
	struct sockaddr_in to = peer_address();

	carry_socket(fd, AF_INET, SOCK_STREAM);
	carry_connecting(fd, (struct sockaddr *)&to, sizeof(to), 0);
}

static inline void receive(int fd, const char *bytes)
{
	struct iovec iov = {(void *)(uintptr_t)bytes, strlen(bytes)};

	carry_received(carry_watch(fd), &iov, 1, iov.iov_len);
}

/** The far end of a connection: what really arrived there. */
struct wire {
	char *bytes;
	size_t len, cap;
};

static inline void wire_put(struct wire *w, const void *bytes, size_t len)
{
	if (w->len + len + 1 > w->cap) {
		w->cap = (w->len + len + 1) * 2;
		w->bytes = realloc(w->bytes, w->cap);
		assert_non_null(w->bytes);
	}
	memcpy(w->bytes + w->len, bytes, len);
	w->len += len;
	w->bytes[w->len] = 0;
}

/** Takes at most @limit bytes of an iovec, as a full socket buffer would. */
static inline ssize_t kernel_take(struct wire *w, const struct iovec *iov, int iovcnt, size_t limit)
{
	size_t taken = 0;

	for (int i = 0; i < iovcnt && limit; i++) {
		size_t here = iov[i].iov_len < limit ? iov[i].iov_len : limit;

		wire_put(w, iov[i].iov_base, here);
		taken += here;
		limit -= here;
	}
	return (ssize_t)taken;
}

/**
 * One send call as a hook makes it; next_limit(arg) says how much the kernel takes each time (0: it
 * answers EAGAIN). Returns the program's result: bytes or a negative errno.
 */
static inline ssize_t send_call(int fd, const struct iovec *iov, int iovcnt, struct wire *w,
				size_t (*next_limit)(void *), void *arg)
{
	struct carry_plan plan;
	ssize_t result;

	if (carry_watch(fd) & CARRY_SERVER) {
		result = kernel_take(w, iov, iovcnt, next_limit(arg));
		carry_answered(carry_watch(fd), iov, iovcnt, (size_t)result);
		return result ? result : -EAGAIN;
	}
	carry_sending(&plan, carry_watch(fd), iov, iovcnt, CARRY_SEND_PLAIN);
	do {
		size_t limit = next_limit(arg);

		if (!limit)
			result = -EAGAIN;
		else if (plan.planned && plan.iovcnt)
			result = kernel_take(w, plan.iov, plan.iovcnt, limit);
		else
			result = kernel_take(w, iov, iovcnt, limit);
		if (plan.planned)
			result = carry_sent(&plan, result);
	} while (result == CARRY_AGAIN);
	return result;
}

static inline size_t no_limit(void *arg)
{
	(void)arg;
	return SIZE_MAX;
}

static inline ssize_t send_text(int fd, const char *bytes, struct wire *w)
{
	struct iovec iov = {(void *)(uintptr_t)bytes, strlen(bytes)};

	return send_call(fd, &iov, 1, w, no_limit, NULL);
}

/** The 32 hex digits of the n-th traceparent in @w (from 0), or NULL. */
static inline const char *wire_trace(const struct wire *w, int n)
{
	const char *at = w->bytes;

	while (at && (at = strcasestr(at, "\r\ntraceparent: 00-")) != NULL) {
		at += 18;
		if (!n--)
			return at;
	}
	return NULL;
}

#endif
