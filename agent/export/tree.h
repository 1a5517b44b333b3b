/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace trees for people. Spans are gathered in a compact form (tree.c), arranged by trace, parent
 * and time, and printed (tree_print.c). Memory grows with the number of spans, about 100 bytes
 * each: this is for looking at, export.h's way is the one of constant memory.
 */
#ifndef EXPORT_TREE_H
#define EXPORT_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "export/intern.h"
#include "export/model.h"

#define TREE_NONE UINT32_MAX

/** One span. Links are indices into tree.nodes, TREE_NONE: none. */
struct tree_node {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8];
	uint64_t start_ns, end_ns;
	uint32_t name, service, error;	/* interned; error: error.type, or "" */
	int32_t http_status;		/* 0: none */
	uint32_t parent, first_child, next_sibling;
	uint8_t kind, status, tier;
	bool has_parent, parent_remote;
};

struct tree {
	struct intern texts;
	struct tree_node *nodes;
	uint32_t count, cap;
};

struct tree_style {
	bool colour;
};

void tree_add(struct tree *t, const struct model_resource *resource, const struct model_span *span);

/** Sorts and links the nodes; call once, after the last tree_add(). */
void tree_arrange(struct tree *t);

/**
 * Prints every trace, the oldest first, after tree_arrange(). A span whose parent is not there is
 * printed at the margin and says so. Returns the number of traces, or -EIO.
 */
int64_t tree_print(const struct tree *t, FILE *f, const struct tree_style *style);
void tree_free(struct tree *t);

#endif
