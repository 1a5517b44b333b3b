/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of carry/ share: the input as a list of steps, an agent that records nothing,
 * and the stock-taking after every run: a pool that loses an object each time is soon empty.
 *
 * A step is one byte of what to do, then what that step reads: numbers (a byte each) and bytes (a
 * length byte first, or two with the high bit set).
 */
#ifndef TESTS_FUZZ_CARRY_INPUT_H
#define TESTS_FUZZ_CARRY_INPUT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "carry/carry.h"
#include "config/config.h"
#include "record/counter.h"
#include "record/ring.h"
#include "tests/unit/guard.h"

#define CHECK(ok) \
	do { \
		if (!(ok)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #ok); \
			abort(); \
		} \
	} while (0)

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define CALL "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

enum { FD_FIRST = 10, FD_COUNT = 4, FD_OTHER = 20 };

struct input {
	const uint8_t *at, *end;
};

static inline uint8_t input_number(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static inline struct iovec input_bytes(struct input *in)
{
	size_t len = input_number(in);
	const uint8_t *at;

	if (len & 0x80)
		len = (len & 0x7f) << 8 | input_number(in);
	if (len > (size_t)(in->end - in->at))
		len = (size_t)(in->end - in->at);
	at = in->at;
	in->at += len;
	return (struct iovec){ (void *)(uintptr_t)at, len };
}

static inline void agent_start(void)
{
	static const char *const environment[] = { "OTEL_PROPAGATORS=tracecontext,baggage,b3,b3multi,xrequestid", NULL };
	struct config config;
	struct carry_options options = { .config = &config, .executable = "fuzz" };

	if (carry_state == CARRY_ON)
		return;
	config_read(&config, (char *const *)(uintptr_t)environment, false);
	CHECK(carry_start(&options) == 0);
	CHECK(carry_enter());
}

static inline void open_server(int fd)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(1) };

	carry_accepted(fd, (struct sockaddr *)&from, sizeof(from));
	CHECK(carry_watch(fd) & CARRY_SERVER);
}

static inline void open_client(int fd)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };

	carry_socket(fd, AF_INET, SOCK_STREAM);
	carry_connecting(fd, (struct sockaddr *)&to, sizeof(to), 0);
	CHECK(carry_watch(fd));
}

/** Bytes arrive, in memory that nobody may read beyond or keep. */
static inline void receive(int fd, struct iovec bytes)
{
	char *copy;
	struct iovec iov;

	if (!bytes.iov_len)
		return;
	copy = guard_copy(bytes.iov_base, bytes.iov_len);
	iov = (struct iovec){ copy, bytes.iov_len };
	carry_received(carry_watch(fd), &iov, 1, iov.iov_len);
	guard_free(copy, bytes.iov_len);
}

static inline void receive_text(int fd, const char *text)
{
	receive(fd, (struct iovec){ (void *)(uintptr_t)text, strlen(text) });
}

/** A whole call that the kernel takes at once; how many bytes left. */
static inline size_t send_text(int fd, const char *text)
{
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	struct carry_plan plan;
	size_t left = 0;

	carry_sending(&plan, carry_watch(fd), &iov, 1, CARRY_SEND_PLAIN);
	for (int i = 0; i < plan.iovcnt; i++)
		left += plan.iov[i].iov_len;
	CHECK(plan.planned && left);
	CHECK(carry_sent(&plan, (ssize_t)left) == (ssize_t)iov.iov_len);
	return left;
}

/** After a run nothing is left behind: an object of every kind is still to be had. */
static inline void take_stock(void)
{
	static char baggage[3000];

	if (!*baggage) {
		memset(baggage, 'v', sizeof(baggage) - 1);
		memcpy(baggage, "baggage: k=", 11);
		memcpy(baggage + sizeof(baggage) - 5, "\r\n\r\n", 5);
	}
	/* one event, and nothing else is pending: whatever the run left behind, this request is it */
	carry_wait_begins(-1);
	carry_woken(1, -1, CARRY_WAIT_MANY);
	open_server(FD_FIRST);
	open_client(FD_OTHER);
	/* lines that are split need buffers of both sides; a large baggage the wide one */
	receive_text(FD_FIRST, "GET /a HTTP/1.");
	receive_text(FD_FIRST, "1\r\n");
	receive_text(FD_FIRST, baggage);
	CHECK(carry_self.current);
	CHECK(send_text(FD_OTHER, CALL) > sizeof(CALL) + 1000);
	receive_text(FD_OTHER, ANSWER);
	carry_closing(FD_OTHER);
	carry_closing(FD_FIRST);
	CHECK(!carry_self.current);
}

#endif
