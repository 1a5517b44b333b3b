/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches between reader, file and sender; see delivery.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "export/delivery.h"
#include "export/sender.h"

struct delivery {
	struct delivery_options options;
	struct sender *sender;
	struct batch batches[2];
	struct batch *filling, *sent;	/* sent->count is 0 while nothing is being sent */
	bool filed;			/* filling has been written to the file, not yet sent */
	bool flush;
	int64_t filling_since_ms;
	int fd, save_fd;		/* -1: none */
	uint64_t save_size;
	struct arena scratch;
	struct buffer body;
	char host[256];
	int64_t rejected_before; /* sender's count of partial rejections when sent was submitted */
	struct delivery_stats stats;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int open_file(struct delivery *d, char *error, size_t size)
{
	const char *path = d->options.file;

	if (!path)
		return 0;
	if (!strcmp(path, "-"))
		d->fd = dup(STDOUT_FILENO);
	else
		d->fd = open(path,
			     O_WRONLY | O_CREAT | O_CLOEXEC |
				     (d->options.append ? O_APPEND : O_TRUNC),
			     0600);
	if (d->fd >= 0)
		return 0;
	snprintf(error, size, "cannot write %s: %s", path, strerror(errno));
	return -errno;
}

int delivery_open(struct delivery **out, const struct delivery_options *options, char *error,
		  size_t size)
{
	struct delivery *d = memory_get(sizeof(*d));
	int err;

	d->options = *options;
	d->filling = &d->batches[0];
	d->sent = &d->batches[1];
	d->fd = d->save_fd = -1;
	if (gethostname(d->host, sizeof(d->host) - 1))
		d->host[0] = '\0';
	err = open_file(d, error, size);
	if (!err && options->endpoint && options->endpoint->url) {
		d->sender = sender_open(options->endpoint, error, size);
		err = d->sender ? 0 : -EINVAL;
	}
	if (err) {
		delivery_close(d);
		return err;
	}
	*out = d;
	return 0;
}

void delivery_close(struct delivery *d)
{
	if (!d)
		return;
	sender_close(d->sender);
	batch_free(&d->batches[0]);
	batch_free(&d->batches[1]);
	arena_free(&d->scratch);
	buffer_free(&d->body);
	if (d->fd >= 0)
		close(d->fd);
	if (d->save_fd >= 0)
		close(d->save_fd);
	free(d);
}

/* ---- files ---- */

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/** @b as one line of OTLP JSON in d->body. */
static void encode_line(struct delivery *d, const struct batch *b)
{
	d->body.len = 0;
	otlp_encode_json(b, &d->scratch, &d->body);
	buffer_append(&d->body, "\n", 1);
}

static int write_file(struct delivery *d)
{
	int err;

	if (d->fd < 0 || d->filed)
		return 0;
	encode_line(d, d->filling);
	err = write_all(d->fd, d->body.data, d->body.len);
	if (err) {
		d->stats.file_error = -err;
		return err;
	}
	d->stats.written += d->filling->count;
	d->filed = true;
	return 0;
}

static int open_save(struct delivery *d)
{
	struct stat st;

	if (d->save_fd >= 0)
		return 0;
	d->save_fd = open(d->options.save_path,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->save_fd < 0)
		return -errno;
	if (!fstat(d->save_fd, &st))
		d->save_size = (uint64_t)st.st_size;
	return 0;
}

/** Keeps what the endpoint did not take; empties @b. */
static void save(struct delivery *d, struct batch *b)
{
	bool saved = false;

	if (!b->count)
		return;
	if (d->options.save_path && !open_save(d)) {
		encode_line(d, b);
		saved = d->save_size + d->body.len <= DELIVERY_SAVE_MAX &&
			!write_all(d->save_fd, d->body.data, d->body.len);
		d->save_size += saved ? d->body.len : 0;
	}
	*(saved ? &d->stats.saved : &d->stats.lost) += b->count;
	batch_reset(b);
}

/* ---- sending ---- */

static void submit(struct delivery *d)
{
	struct batch *batch = d->filling;

	d->filling = d->sent;
	d->sent = batch;
	d->body.len = 0;
	if (d->options.endpoint->json)
		otlp_encode_json(batch, &d->scratch, &d->body);
	else
		otlp_encode_protobuf(batch, &d->scratch, &d->body);
	d->rejected_before = sender_stats(d->sender)->rejected_spans;
	sender_submit(d->sender, d->body.data, d->body.len);
}

/** Passes the filled batch on. Returns 0, -EAGAIN, or the file's error. */
static int pass_on(struct delivery *d)
{
	int err;

	if (!d->filling->count)
		return 0;
	err = write_file(d);
	if (err)
		return err;
	if (d->sender && d->sent->count)
		return -EAGAIN;
	if (d->sender)
		submit(d);
	else
		batch_reset(d->filling);
	d->filed = false;
	d->flush = false;
	return 0;
}

static void pass_on_if_due(struct delivery *d)
{
	bool old = now_ms() - d->filling_since_ms >= DELIVERY_BATCH_MS;

	if (d->filling->count && (d->flush || old || d->filling->count == BATCH_SPANS))
		pass_on(d);
}

int delivery_take(void *arg, const struct reader_source *source, const struct record *record)
{
	struct delivery *d = arg;
	const char *host = d->host[0] ? d->host : NULL;
	int err;

	if (record->kind != RECORD_SPAN)
		return 0;
	if (d->stats.file_error)
		return -d->stats.file_error;
	if (!d->filling->count)
		d->filling_since_ms = now_ms();
	/* a batch that is in the file already must not grow */
	if (d->filed || !batch_add(d->filling, source, host, record)) {
		err = pass_on(d);
		if (err)
			return err;
		d->filling_since_ms = now_ms();
		batch_add(d->filling, source, host, record);
	}
	d->stats.taken++;
	return 0;
}

void delivery_step(struct delivery *d, int wake_fd, int timeout_ms)
{
	struct pollfd wake = { .fd = wake_fd, .events = POLLIN };
	enum sender_state state;
	uint64_t partly;

	pass_on_if_due(d);
	if (!d->sender) {
		poll(&wake, 1, timeout_ms);
		return;
	}
	state = sender_step(d->sender, wake_fd, timeout_ms);
	if (state == SENDER_DELIVERED) {
		partly = (uint64_t)(sender_stats(d->sender)->rejected_spans - d->rejected_before);
		partly = partly < d->sent->count ? partly : d->sent->count;
		d->stats.rejected += partly;
		d->stats.delivered += d->sent->count - partly;
		batch_reset(d->sent);
	} else if (state == SENDER_REJECTED) {
		d->stats.rejected += d->sent->count;
		d->stats.refusals++;
		save(d, d->sent);
	}
	pass_on_if_due(d);
}

void delivery_flush(struct delivery *d)
{
	d->flush = true;
	pass_on_if_due(d);
}

bool delivery_idle(const struct delivery *d)
{
	return !d->filling->count && !d->sent->count;
}

int delivery_finish(struct delivery *d, int timeout_ms)
{
	int64_t left, end = now_ms() + timeout_ms;

	delivery_flush(d);
	while (!delivery_idle(d) && !d->stats.file_error) {
		left = end - now_ms();
		if (left <= 0)
			break;
		d->flush = true;
		delivery_step(d, -1, left < 100 ? (int)left : 100);
	}
	if (d->sender)
		sender_abandon(d->sender);
	save(d, d->sent);
	save(d, d->filling);
	return d->stats.file_error               ? -d->stats.file_error
	       : d->stats.lost || d->stats.saved ? -EIO
						 : 0;
}

void delivery_stats(const struct delivery *d, struct delivery_stats *out)
{
	const struct sender_stats *sender = d->sender ? sender_stats(d->sender) : NULL;

	*out = d->stats;
	out->failures = sender ? sender->failures : 0;
	out->error = sender ? sender->error : "";
	out->partial = sender ? sender->partial : "";
}
