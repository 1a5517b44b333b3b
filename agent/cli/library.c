/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding libctxagent.so and composing LD_PRELOAD; see library.h. Order matters: a sanitizer
 * runtime must be first, what the user preloads stays before us.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/library.h"
#include "export/memory.h"

#define SEPARATORS " :"

static const char *const places[] = {
	"%s/" LIBRARY_NAME,
	"%s/../lib/" LIBRARY_NAME,
	"%s/../lib/ctxagent/" LIBRARY_NAME,
};

int library_find(char *out, size_t cap)
{
	char self[PATH_MAX], path[PATH_MAX + 64], real[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len <= 0)
		return -ENOENT;
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(path, sizeof(path), places[i], self);
#pragma GCC diagnostic pop
		if (!realpath(path, real) || strlen(real) >= cap)
			continue;
		snprintf(out, cap, "%s", real);
		return strpbrk(real, SEPARATORS) ? -EINVAL : 0;
	}
	return -ENOENT;
}

static const char *base_name(const char *path, size_t len, size_t *base_len)
{
	size_t at = len;

	while (at && path[at - 1] != '/')
		at--;
	*base_len = len - at;
	return path + at;
}

static bool is_ours(const char *item, size_t len)
{
	size_t base_len;
	const char *base = base_name(item, len, &base_len);

	return base_len == strlen(LIBRARY_NAME) && !memcmp(base, LIBRARY_NAME, base_len);
}

bool library_is_asan(const char *name)
{
	size_t len;
	const char *base = base_name(name, strlen(name), &len);

	return !strncmp(base, "libasan.so", 10) || !strncmp(base, "libclang_rt.asan", 16);
}

bool library_is_preloaded(const char *preload)
{
	size_t len;

	for (const char *at = preload ? preload : ""; *at; at += len + (at[len] != '\0')) {
		len = strcspn(at, SEPARATORS);
		if (is_ours(at, len))
			return true;
	}
	return false;
}

static void add(struct buffer *b, const char *item, size_t len)
{
	if (!len)
		return;
	if (b->len)
		buffer_append(b, ":", 1);
	buffer_append(b, item, len);
}

static void add_others(struct buffer *b, const char *preload)
{
	size_t len;

	for (const char *at = preload ? preload : ""; *at; at += len + (at[len] != '\0')) {
		len = strcspn(at, SEPARATORS);
		if (!is_ours(at, len))
			add(b, at, len);
	}
}

char *library_remove(const char *preload)
{
	struct buffer b = { 0 };

	add_others(&b, preload);
	buffer_append(&b, "", 1);
	return b.data;
}

char *library_preload(const char *first, const char *existing, const char *library)
{
	struct buffer b = { 0 };

	if (first && !(existing && strstr(existing, first)))
		add(&b, first, strlen(first));
	add_others(&b, existing);
	add(&b, library, strlen(library));
	buffer_append(&b, "", 1);
	return b.data;
}
