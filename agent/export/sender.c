/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine around libcurl's multi interface; see sender.h. Never used inside a traced
 * program.
 */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#define ZLIB_CONST
#include <zlib.h>

#include "export/sender.h"

#define RESPONSE_MAX (64u * 1024)	/* an answer longer than that is not read further */
#define BACKOFF_FIRST_MS 500
#define BACKOFF_LAST_MS 16000
#define RETRY_AFTER_MAX_S 300

struct sender {
	const struct endpoint *endpoint;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	enum sender_state state;
	bool sending;			/* easy is in multi */
	int64_t retry_at_ms;
	struct buffer body, response;
	char curl_error[CURL_ERROR_SIZE];
	struct sender_stats stats;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t take_response(char *data, size_t size, size_t count, void *arg)
{
	struct sender *s = arg;
	size_t len = size * count;

	if (s->response.len + len <= RESPONSE_MAX)
		buffer_append(&s->response, data, len);
	return len;
}

static bool add_header(struct sender *s, const char *line)
{
	struct curl_slist *list = curl_slist_append(s->headers, line);

	if (list)
		s->headers = list;
	return list != NULL;
}

static bool add_headers(struct sender *s)
{
	const struct endpoint *e = s->endpoint;
	bool ok = add_header(s, e->json ? "Content-Type: application/json"
					: "Content-Type: application/x-protobuf");

	if (e->gzip)
		ok = ok && add_header(s, "Content-Encoding: gzip");
	ok = ok && add_header(s, "Expect:");	/* no round trip before each body */
	for (const struct endpoint_header *h = e->headers; h; h = h->next)
		ok = ok && add_header(s, h->line);
	return ok;
}

static CURLcode set_up(struct sender *s)
{
	const struct endpoint *e = s->endpoint;
	CURLcode code = curl_easy_setopt(s->easy, CURLOPT_URL, e->url);

	if (!code)
		code = curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (!code && e->ca_file)
		code = curl_easy_setopt(s->easy, CURLOPT_CAINFO, e->ca_file);
	if (!code)
		code = curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, e->timeout_ms);
	curl_easy_setopt(s->easy, CURLOPT_USERAGENT, "ctxagent/" CTXAGENT_VERSION);
	curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->curl_error);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, take_response);
	curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	return code;
}

struct sender *sender_open(const struct endpoint *endpoint, char *error, size_t size)
{
	struct sender *s = memory_get(sizeof(*s));
	CURLcode code = CURLE_OUT_OF_MEMORY;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	s->endpoint = endpoint;
	s->multi = curl_multi_init();
	s->easy = curl_easy_init();
	if (s->multi && s->easy && add_headers(s))
		code = set_up(s);
	if (code) {
		snprintf(error, size, "cannot send to %s: %s", endpoint->url,
			 curl_easy_strerror(code));
		sender_close(s);
		return NULL;
	}
	return s;
}

void sender_close(struct sender *s)
{
	if (!s)
		return;
	sender_abandon(s);
	curl_easy_cleanup(s->easy);
	curl_multi_cleanup(s->multi);
	curl_slist_free_all(s->headers);
	buffer_free(&s->body);
	buffer_free(&s->response);
	free(s);
	curl_global_cleanup();
}

/** gzip (RFC 1952) of @len bytes into s->body; false when zlib refuses. */
static bool compress_body(struct sender *s, const void *body, size_t len)
{
	z_stream z = { 0 };
	bool done;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return false;
	z.next_in = body;
	z.avail_in = (uInt)len;
	z.avail_out = (uInt)deflateBound(&z, len);
	z.next_out = (Bytef *)buffer_room(&s->body, z.avail_out);
	done = deflate(&z, Z_FINISH) == Z_STREAM_END;
	s->body.len += z.total_out;
	deflateEnd(&z);
	return done;
}

static void start(struct sender *s)
{
	s->response.len = 0;
	s->curl_error[0] = '\0';
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->body.len);
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body.len ? s->body.data : "");
	curl_multi_add_handle(s->multi, s->easy);
	s->sending = true;
	s->stats.attempts++;
}

void sender_submit(struct sender *s, const void *body, size_t len)
{
	s->body.len = 0;
	s->stats.failures = 0;
	s->state = SENDER_BUSY;
	if (!s->endpoint->gzip) {
		buffer_append(&s->body, body, len);
	} else if (!compress_body(s, body, len)) {
		snprintf(s->stats.error, sizeof(s->stats.error),
			 "the request cannot be compressed");
		s->state = SENDER_REJECTED;
		return;
	}
	start(s);
}

void sender_abandon(struct sender *s)
{
	if (s->sending)
		curl_multi_remove_handle(s->multi, s->easy);
	s->sending = false;
	s->state = SENDER_IDLE;
}

/* ---- what an attempt came to ---- */

static bool worth_another(CURLcode code, long status)
{
	switch (code) {
	case CURLE_OK:
		return status == 429 || status == 502 || status == 503 || status == 504;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ENGINE_NOTFOUND:
		return false;
	default:
		return true;
	}
}

/** Half fixed, half random: senders that failed together do not come back together. */
static int64_t backoff_ms(uint32_t failures)
{
	int64_t wait = BACKOFF_FIRST_MS;
	uint32_t random = 0;

	for (uint32_t i = 1; i < failures && wait < BACKOFF_LAST_MS; i++)
		wait *= 2;
	if (wait > BACKOFF_LAST_MS)
		wait = BACKOFF_LAST_MS;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now_ms() * 2654435761u;
	return wait / 2 + (int64_t)(random % (uint32_t)(wait / 2 + 1));
}

static void fail(struct sender *s, CURLcode code, long status)
{
	curl_off_t after = 0;
	int64_t wait;

	if (code)
		snprintf(s->stats.error, sizeof(s->stats.error), "%s",
			 s->curl_error[0] ? s->curl_error : curl_easy_strerror(code));
	else
		snprintf(s->stats.error, sizeof(s->stats.error), "HTTP status %ld", status);
	s->stats.failures++;
	if (!worth_another(code, status)) {
		s->state = SENDER_REJECTED;
		return;
	}
	wait = backoff_ms(s->stats.failures);
	if (!code)
		curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after);
	if (after > 0)
		wait = (after < RETRY_AFTER_MAX_S ? after : RETRY_AFTER_MAX_S) * 1000;
	s->retry_at_ms = now_ms() + wait;
}

static void succeed(struct sender *s)
{
	struct otlp_partial partial;
	const char *type = NULL;
	int err;

	curl_easy_getinfo(s->easy, CURLINFO_CONTENT_TYPE, &type);
	if (type && strstr(type, "json"))
		err = otlp_decode_json(s->response.data, s->response.len, &partial);
	else
		err = otlp_decode_protobuf(s->response.data, s->response.len, &partial);
	if (!err && partial.rejected_spans > 0)
		s->stats.rejected_spans += partial.rejected_spans;
	if (!err && partial.message[0])
		memcpy(s->stats.partial, partial.message, sizeof(s->stats.partial));
	s->stats.requests++;
	s->stats.bytes += s->body.len;
	s->stats.failures = 0;
	s->stats.error[0] = '\0';
	s->state = SENDER_DELIVERED;
}

static void finish(struct sender *s, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!code && status >= 200 && status < 300)
		succeed(s);
	else
		fail(s, code, status);
	curl_multi_remove_handle(s->multi, s->easy);
	s->sending = false;
}

static void wait_only(int wake_fd, int64_t timeout_ms)
{
	struct pollfd p = { .fd = wake_fd, .events = POLLIN };

	poll(&p, 1, (int)timeout_ms);
}

static void drive(struct sender *s, int wake_fd, int timeout_ms)
{
	struct curl_waitfd extra = { .fd = wake_fd, .events = CURL_WAIT_POLLIN };
	const CURLMsg *message;
	int running = 0, left;

	curl_multi_perform(s->multi, &running);
	if (running) {
		curl_multi_poll(s->multi, &extra, wake_fd >= 0, timeout_ms, NULL);
		curl_multi_perform(s->multi, &running);
	}
	message = curl_multi_info_read(s->multi, &left);
	if (message && message->msg == CURLMSG_DONE)
		finish(s, message->data.result);
}

enum sender_state sender_step(struct sender *s, int wake_fd, int timeout_ms)
{
	enum sender_state state;
	int64_t until = s->retry_at_ms - now_ms();

	if (s->state == SENDER_BUSY && !s->sending && until <= 0)
		start(s);
	if (s->sending)
		drive(s, wake_fd, timeout_ms);
	else if (s->state == SENDER_BUSY)
		wait_only(wake_fd, until < timeout_ms ? until : timeout_ms);
	else if (s->state == SENDER_IDLE)
		wait_only(wake_fd, timeout_ms);
	state = s->state;
	if (state == SENDER_DELIVERED || state == SENDER_REJECTED)
		s->state = SENDER_IDLE;
	return state;
}

const struct sender_stats *sender_stats(const struct sender *s)
{
	return &s->stats;
}
