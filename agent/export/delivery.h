/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out: spans are taken one by one, gathered into batches, and written to a file (OTLP JSON,
 * one export request a line) or sent to an endpoint, or both. Called by `ctxagent run` and
 * `export`.
 *
 * Memory is constant: one batch being filled, one being sent. When both are full nothing is taken
 * until there is room again; what is not taken stays in the rings. What the endpoint refuses, or
 * has not accepted when the delivery ends, is kept in a file when one was named (save_path).
 */
#ifndef EXPORT_DELIVERY_H
#define EXPORT_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/endpoint.h"
#include "record/reader.h"

#define DELIVERY_BATCH_MS 1000		/* a batch is sent when full, or when it is this old */
#define DELIVERY_SAVE_MAX (64u * 1024 * 1024)

struct delivery_options {
	const struct endpoint *endpoint;	/* NULL or without URL: no sending */
	const char *file;			/* NULL: no file; "-": standard output */
	const char *save_path;			/* NULL: what cannot be delivered is not kept */
	bool append;				/* to file; else it is emptied first */
};

struct delivery_stats {
	uint64_t taken;				/* spans */
	uint64_t written;			/* to the file */
	uint64_t delivered;			/* to the endpoint */
	uint64_t rejected;			/* refused by the endpoint, in whole or in part */
	uint64_t refusals;			/* requests refused in whole */
	uint64_t saved;				/* to save_path */
	uint64_t lost;				/* neither delivered nor saved */
	uint32_t failures;			/* attempts that failed since the last success */
	int file_error; /* errno of the file, 0: none; nothing is taken after it */
	const char *error;			/* of the endpoint, "" or what went wrong last */
	const char *partial; /* what the receiver said with a partial success, or "" */
};

struct delivery;

/** Returns 0, or a negative errno with one line in @error. What @options points to must stay. */
int delivery_open(struct delivery **out, const struct delivery_options *options, char *error,
		  size_t size);

/**
 * A reader_sink for records (@arg is the delivery); others than spans are skipped. Returns 0,
 * -EAGAIN when there is no room now (call delivery_step() and pass the record again), or another
 * negative errno when the file cannot be written.
 */
int delivery_take(void *arg, const struct reader_source *source, const struct record *record);

/**
 * Works for at most @timeout_ms, less when @wake_fd (or -1) becomes readable or a request is done.
 */
void delivery_step(struct delivery *d, int wake_fd, int timeout_ms);

/** Sends what was gathered now instead of when the batch is full or old. */
void delivery_flush(struct delivery *d);

/** Nothing gathered, nothing being sent. */
bool delivery_idle(const struct delivery *d);

/** Ends within @timeout_ms: delivers what it can, saves the rest. Returns 0 or a negative errno. */
int delivery_finish(struct delivery *d, int timeout_ms);

void delivery_stats(const struct delivery *d, struct delivery_stats *out);
void delivery_close(struct delivery *d);

#endif
