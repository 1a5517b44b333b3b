/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP over HTTP: one export request at a time, without ever blocking longer than the caller says.
 * Called by the delivery (deliver.h) and by `ctxagent doctor`.
 *
 * Which answers are tried again follows the OTLP specification: 429, 502, 503, 504 and connections
 * that could not be made or broke; with exponential back-off and jitter, or after the time that a
 * Retry-After header names. Everything else is final.
 */
#ifndef EXPORT_SENDER_H
#define EXPORT_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/endpoint.h"
#include "export/memory.h"
#include "export/otlp.h"

enum sender_state {
	SENDER_IDLE,			/* nothing submitted */
	SENDER_BUSY,			/* being sent, or waiting for the next attempt */
	SENDER_DELIVERED,		/* accepted, maybe in part: see stats.partial */
	SENDER_REJECTED,		/* refused for good: sending it again would not help */
};

struct sender_stats {
	uint64_t requests;		/* delivered */
	uint64_t attempts;
	uint64_t bytes;			/* of request bodies delivered, after compression */
	uint32_t failures;		/* attempts that failed since the last success */
	int64_t rejected_spans;		/* by partial success, in all */
	char error[256];   /* what went wrong last; "" when the last attempt was fine */
	char partial[256]; /* the receiver's last message of a partial success, or "" */
};

struct sender;

/**
 * NULL, with a line in @error, when the endpoint cannot be used at all. @endpoint must outlive it.
 */
struct sender *sender_open(const struct endpoint *endpoint, char *error, size_t size);
void sender_close(struct sender *s);

/** Begins to send @body, which is copied. Only when not SENDER_BUSY. */
void sender_submit(struct sender *s, const void *body, size_t len);

/**
 * Works for at most @timeout_ms, less when @wake_fd (or -1) becomes readable or the request is
 * done. SENDER_DELIVERED and SENDER_REJECTED are reported once; the next call says SENDER_IDLE.
 */
enum sender_state sender_step(struct sender *s, int wake_fd, int timeout_ms);

/** Gives up the request that is being sent. */
void sender_abandon(struct sender *s);

const struct sender_stats *sender_stats(const struct sender *s);

#endif
