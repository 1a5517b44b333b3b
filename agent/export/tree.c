/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathering and arranging spans into trees; see tree.h. Ids come from records and may be anything:
 * duplicates, loops and strangers end up at the margin, never in an endless walk.
 */
#include <stdlib.h>
#include <string.h>

#include "export/tree.h"

/**
 * "GET /path" for HTTP; client spans know the whole URL and no path: what follows its authority.
 */
static void name_span(const struct model_span *span, char *out, size_t size)
{
	const struct model_attribute *path = model_find(&span->attributes, "url.path");
	const struct model_attribute *full = model_find(&span->attributes, "url.full");
	const char *target = path ? path->text : NULL;
	const char *authority;

	if (!target && full && full->text) {
		authority = strstr(full->text, "://");
		target = authority ? strchr(authority + 3, '/') : full->text;
	}
	if (target)
		snprintf(out, size, "%s %s", model_span_name(span), target);
	else
		snprintf(out, size, "%s", model_span_name(span));
}

void tree_add(struct tree *t, const struct model_resource *resource, const struct model_span *span)
{
	const struct model_attribute *status =
		model_find(&span->attributes, "http.response.status_code");
	const struct model_attribute *error = model_find(&span->attributes, "error.type");
	struct tree_node *n;
	char name[1024];

	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 1024;
		t->nodes = memory_resize(t->nodes, t->cap * sizeof(*t->nodes));
	}
	n = &t->nodes[t->count++];
	memset(n, 0, sizeof(*n));
	memcpy(n->trace_id, span->trace_id, sizeof(n->trace_id));
	memcpy(n->span_id, span->span_id, sizeof(n->span_id));
	memcpy(n->parent_id, span->parent_id, sizeof(n->parent_id));
	n->start_ns = span->start_ns;
	n->end_ns = span->end_ns;
	name_span(span, name, sizeof(name));
	n->name = intern_put(&t->texts, name);
	n->service = intern_put(&t->texts, resource->service);
	n->error = intern_put(&t->texts, error && error->text ? error->text : "");
	n->http_status = status ? (int32_t)status->number : 0;
	n->kind = span->kind;
	n->status = span->status;
	n->tier = span->tier;
	n->has_parent = span->has_parent;
	n->parent_remote = span->parent_remote;
}

/* ---- order ---- */

/** A node and what traces are sorted by. */
struct keyed {
	uint64_t trace_start_ns;
	struct tree_node node;
};

static int by_trace(const void *a, const void *b)
{
	const struct tree_node *x = a, *y = b;
	int order = memcmp(x->trace_id, y->trace_id, sizeof(x->trace_id));

	return order ? order : memcmp(x->span_id, y->span_id, sizeof(x->span_id));
}

static int by_time(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order =
		(x->trace_start_ns > y->trace_start_ns) - (x->trace_start_ns < y->trace_start_ns);

	if (!order)
		order = memcmp(x->node.trace_id, y->node.trace_id, sizeof(x->node.trace_id));
	if (!order)
		order = (x->node.start_ns > y->node.start_ns) -
			(x->node.start_ns < y->node.start_ns);
	/* of two that begin together the longer one is the outer one */
	if (!order)
		order = (x->node.end_ns < y->node.end_ns) - (x->node.end_ns > y->node.end_ns);
	return order ? order : memcmp(x->node.span_id, y->node.span_id, sizeof(x->node.span_id));
}

static uint32_t trace_end(const struct tree *t, uint32_t from)
{
	uint32_t i = from;

	while (i < t->count && !memcmp(t->nodes[i].trace_id, t->nodes[from].trace_id, 16))
		i++;
	return i;
}

/** Oldest trace first, in it the oldest span first. */
static void sort_by_time(struct tree *t)
{
	struct keyed *keyed = memory_resize(NULL, t->count * sizeof(*keyed));
	uint64_t start;
	uint32_t end;

	qsort(t->nodes, t->count, sizeof(*t->nodes), by_trace);
	for (uint32_t from = 0; from < t->count; from = end) {
		end = trace_end(t, from);
		start = UINT64_MAX;
		for (uint32_t i = from; i < end; i++)
			start = t->nodes[i].start_ns < start ? t->nodes[i].start_ns : start;
		for (uint32_t i = from; i < end; i++)
			keyed[i] = (struct keyed){ start, t->nodes[i] };
	}
	qsort(keyed, t->count, sizeof(*keyed), by_time);
	for (uint32_t i = 0; i < t->count; i++)
		t->nodes[i] = keyed[i].node;
	free(keyed);
}

/* ---- links ---- */

struct by_id {
	uint8_t span_id[8];
	uint32_t node;
};

static int compare_ids(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;
	int order = memcmp(x->span_id, y->span_id, sizeof(x->span_id));

	return order ? order : (x->node > y->node) - (x->node < y->node);
}

/** The first node with @span_id that is not @self, or TREE_NONE. */
static uint32_t find_span(const struct by_id *ids, uint32_t count, const uint8_t *span_id,
			  uint32_t self)
{
	uint32_t low = 0, high = count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (memcmp(ids[middle].span_id, span_id, 8) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < count && ids[low].node == self)
		low++;
	if (low < count && !memcmp(ids[low].span_id, span_id, 8))
		return ids[low].node;
	return TREE_NONE;
}

/** Marks @root and all below it in @reached, whose first entry is that of node @from. */
static void mark_below(const struct tree *t, uint32_t root, bool *reached, uint32_t from)
{
	uint32_t at = root;

	while (at != TREE_NONE) {
		reached[at - from] = true;
		if (t->nodes[at].first_child != TREE_NONE) {
			at = t->nodes[at].first_child;
			continue;
		}
		while (at != root && t->nodes[at].next_sibling == TREE_NONE)
			at = t->nodes[at].parent;
		at = at == root ? TREE_NONE : t->nodes[at].next_sibling;
	}
}

static void unlink_child(struct tree *t, uint32_t child)
{
	uint32_t *at = &t->nodes[t->nodes[child].parent].first_child;

	while (*at != child)
		at = &t->nodes[*at].next_sibling;
	*at = t->nodes[child].next_sibling;
	t->nodes[child].next_sibling = TREE_NONE;
	t->nodes[child].parent = TREE_NONE;
}

/**
 * Spans that are each other's ancestors hang from no root: each that was not reached from one
 * becomes one itself, in order of time. A node has one parent, so what hangs below a root is a
 * tree.
 */
static void break_loops(struct tree *t, uint32_t from, uint32_t end)
{
	bool *reached = memory_get((end - from) * sizeof(*reached));

	for (uint32_t i = from; i < end; i++)
		if (t->nodes[i].parent == TREE_NONE)
			mark_below(t, i, reached, from);
	for (uint32_t i = from; i < end; i++) {
		if (reached[i - from])
			continue;
		unlink_child(t, i);
		mark_below(t, i, reached, from);
	}
	free(reached);
}

static void link_trace(struct tree *t, uint32_t from, uint32_t end)
{
	struct by_id *ids = memory_resize(NULL, (end - from) * sizeof(*ids));
	uint32_t parents = 0;

	for (uint32_t i = from; i < end; i++) {
		memcpy(ids[i - from].span_id, t->nodes[i].span_id, 8);
		ids[i - from].node = i;
		t->nodes[i].parent = t->nodes[i].first_child = t->nodes[i].next_sibling = TREE_NONE;
	}
	qsort(ids, end - from, sizeof(*ids), compare_ids);
	for (uint32_t i = end; i-- > from;) {	/* backwards: children end up in order of time */
		struct tree_node *n = &t->nodes[i];

		if (!n->has_parent)
			continue;
		n->parent = find_span(ids, end - from, n->parent_id, i);
		if (n->parent == TREE_NONE)
			continue;
		n->next_sibling = t->nodes[n->parent].first_child;
		t->nodes[n->parent].first_child = i;
		parents++;
	}
	free(ids);
	if (parents)
		break_loops(t, from, end);
}

void tree_arrange(struct tree *t)
{
	uint32_t end;

	if (!t->count)
		return;
	sort_by_time(t);
	for (uint32_t from = 0; from < t->count; from = end) {
		end = trace_end(t, from);
		link_trace(t, from, end);
	}
}

void tree_free(struct tree *t)
{
	intern_free(&t->texts);
	free(t->nodes);
	memset(t, 0, sizeof(*t));
}
