/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From settings to an endpoint; see endpoint.h. A setting that cannot be used is an error here and
 * not a default: spans that go nowhere unseen would be worse.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "export/endpoint.h"
#include "export/text.h"

#define TRACES_PATH "/v1/traces"
#define TIMEOUT_MAX_MS (24L * 3600 * 1000)

/** The traces' own setting, or the general one. */
static const char *setting(const struct config *c, enum config_id traces, enum config_id general)
{
	return *c->text[traces] ? c->text[traces] : c->text[general];
}

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);

	return len >= end_len && !strcmp(s + len - end_len, end);
}

static int read_url(const struct config *c, const char *base, struct endpoint *out, char *error,
		    size_t size)
{
	const char *full = c->text[CONFIG_ID_OTLP_TRACES_ENDPOINT];
	size_t len;
	char *url;

	if (!base && *full) {
		out->url = full;
	} else {
		base = base ? base : c->text[CONFIG_ID_OTLP_ENDPOINT];
		len = strlen(base);
		if (!len)
			return 0;
		while (len && base[len - 1] == '/')
			len--;
		url = arena_get(&out->arena, len + sizeof(TRACES_PATH));
		memcpy(url, base, len);
		if (!ends_with(url, TRACES_PATH))
			memcpy(url + len, TRACES_PATH, sizeof(TRACES_PATH));
		out->url = url;
	}
	if (strncasecmp(out->url, "http://", 7) != 0 && strncasecmp(out->url, "https://", 8) != 0) {
		snprintf(error, size, "OTLP endpoint '%s' is no http:// or https:// URL", out->url);
		return -EINVAL;
	}
	return 0;
}

static int read_protocol(const struct config *c, struct endpoint *out, char *error, size_t size)
{
	const char *name = setting(c, CONFIG_ID_OTLP_TRACES_PROTOCOL, CONFIG_ID_OTLP_PROTOCOL);
	const char *packing =
		setting(c, CONFIG_ID_OTLP_TRACES_COMPRESSION, CONFIG_ID_OTLP_COMPRESSION);

	out->json = !strcmp(name, "http/json");
	if (!out->json && strcmp(name, "http/protobuf") != 0) {
		snprintf(error, size,
			 "OTLP protocol '%s' is not known: use http/protobuf or http/json", name);
		return -EINVAL;
	}
	out->gzip = !strcmp(packing, "gzip");
	if (!out->gzip && strcmp(packing, "none") != 0) {
		snprintf(error, size, "OTLP compression '%s' is not known: use gzip or none",
			 packing);
		return -EINVAL;
	}
	return 0;
}

static int read_timeout(const struct config *c, struct endpoint *out, char *error, size_t size)
{
	const char *text = setting(c, CONFIG_ID_OTLP_TRACES_TIMEOUT, CONFIG_ID_OTLP_TIMEOUT);
	char *end;

	errno = 0;
	out->timeout_ms = strtol(text, &end, 10);
	if (errno || end == text || *end || out->timeout_ms <= 0 ||
	    out->timeout_ms > TIMEOUT_MAX_MS) {
		snprintf(error, size, "OTLP timeout '%s' is no number of milliseconds", text);
		return -EINVAL;
	}
	return 0;
}

/** An HTTP field name is a token (RFC 9110 5.1). */
static bool is_token(const char *s, size_t len)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c && strchr(others, c))))
			return false;
	}
	return len > 0;
}

/** Decoded text may hold anything: a line break would be a header of somebody else's making. */
static bool is_field_value(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

static int read_headers(const struct config *c, struct endpoint *out, char *error, size_t size)
{
	const char *list = setting(c, CONFIG_ID_OTLP_TRACES_HEADERS, CONFIG_ID_OTLP_HEADERS);
	struct endpoint_header **at = &out->headers;
	struct config_pair pair;
	size_t key_len, len;
	char *line;

	while (config_next_pair(&list, &pair)) {
		line = arena_get(&out->arena, pair.key_len + pair.value_len + 3);
		key_len = text_percent_decode(pair.key, pair.key_len, line);
		line[key_len] = ':';
		line[key_len + 1] = ' ';
		len = text_percent_decode(pair.value, pair.value_len, line + key_len + 2);
		if (!is_token(line, key_len) || !is_field_value(line + key_len + 2, len)) {
			snprintf(error, size, "OTLP header '%.*s' is no HTTP header",
				 (int)pair.key_len, pair.key);
			return -EINVAL;
		}
		line[key_len + 2 + len] = '\0';
		*at = arena_get(&out->arena, sizeof(**at));
		(*at)->line = line;
		at = &(*at)->next;
	}
	return 0;
}

int endpoint_read(const struct config *config, const char *base, struct endpoint *out, char *error,
		  size_t size)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = read_url(config, base, out, error, size);
	if (!err)
		err = read_protocol(config, out, error, size);
	if (!err)
		err = read_timeout(config, out, error, size);
	if (!err)
		err = read_headers(config, out, error, size);
	if (*config->text[CONFIG_ID_OTLP_CERTIFICATE])
		out->ca_file = config->text[CONFIG_ID_OTLP_CERTIFICATE];
	if (err)
		endpoint_free(out);
	return err;
}

void endpoint_free(struct endpoint *e)
{
	arena_free(&e->arena);
	memset(e, 0, sizeof(*e));
}
