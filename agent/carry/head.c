/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a span keeps of a head: method, path, host, user agent. Nothing else of it, and no query: it
 * may be a secret (hazard N4). Called for requests that come in and that go out.
 */
#include <string.h>

#include "carry/private.h"

/* Of a token's bytes only letters differ in bit 5; the program's locale has no say in it. */
bool name_is(struct http1_slice name, const char *lower, size_t len)
{
	if (name.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((name.at[i] | 0x20) != lower[i])
			return false;
	return true;
}

void head_clear(struct head *head)
{
	memset(head, 0, offsetof(struct head, text));
}

/* Takes @from, cut at @most bytes. A header that comes again replaces nothing: the first one
 * stands. */
static void head_keep(struct head *head, struct piece *piece, struct http1_slice from, size_t most)
{
	size_t len = from.len < most ? from.len : most;

	if (piece->len || !from.at || len > sizeof(head->text) - head->used)
		return;
	memcpy(head->text + head->used, from.at, len);
	*piece = (struct piece){.at = head->used, .len = (uint16_t)len};
	head->used = (uint16_t)(head->used + len);
}

/* The path of a request target: no scheme and authority (absolute form), no query. */
static struct http1_slice path_of(struct http1_slice target)
{
	const char *end = target.at + target.len, *at = target.at, *mark;

	if (target.len && *at != '/') {
		mark = memmem(at, target.len, "://", 3);
		mark = mark ? memchr(mark + 3, '/', (size_t)(end - mark - 3)) : NULL;
		at = mark ? mark : at;
	}
	mark = memchr(at, '?', (size_t)(end - at));
	return (struct http1_slice){at, (size_t)((mark ? mark : end) - at)};
}

void head_keep_first(struct head *head, const struct http1 *p, const struct http1_step *step)
{
	head_clear(head);
	head_keep(head, &head->method, step->method, HTTP1_METHOD_MAX);
	head_keep(head, &head->path, path_of(step->target), PATH_KEPT_MAX);
	head->minor = p->minor;
	head->is_head = p->is_head;
	head->is_connect = p->is_connect;
}

void head_keep_header(struct head *head, const struct http1_step *step)
{
	if (name_is(step->name, "host", 4))
		head_keep(head, &head->host, step->value, HOST_KEPT_MAX);
	else if (name_is(step->name, "user-agent", 10))
		head_keep(head, &head->agent, step->value, AGENT_KEPT_MAX);
}
