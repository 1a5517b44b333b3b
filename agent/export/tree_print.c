/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing arranged trees; see tree.h. One line a span: when it began in its trace, how long it
 * took, its name indented below its parent's, what came of it, kind and service.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "export/text.h"
#include "export/tree.h"

#define INDENT_MAX 40		/* levels; deeper ones are not indented further */

enum paint { PAINT_OFF, PAINT_BOLD, PAINT_DIM, PAINT_RED, PAINT_YELLOW };

static const char *const paints[] = {
	[PAINT_OFF] = "\033[0m",
	[PAINT_BOLD] = "\033[1m",
	[PAINT_DIM] = "\033[2m",
	[PAINT_RED] = "\033[31m",
	[PAINT_YELLOW] = "\033[33m",
};

static const char *const kind_names[] = { "", "internal", "server", "client" };

static void paint(FILE *f, const struct tree_style *style, enum paint p)
{
	if (style->colour)
		fputs(paints[p], f);
}

static void painted(FILE *f, const struct tree_style *style, enum paint p, const char *text)
{
	paint(f, style, p);
	text_print(f, text);
	paint(f, style, PAINT_OFF);
}

/** Three significant digits and a unit: "850 ns", "12.3 ms", "1.20 s". */
static void format_duration(uint64_t ns, char *out, size_t size)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" } };
	double value;

	for (unsigned int i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		value = (double)ns / units[i].ns;
		if (value < 0.9995)
			continue;
		snprintf(out, size, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value,
			 units[i].name);
		return;
	}
	snprintf(out, size, "%" PRIu64 " %s", ns, ns ? "ns" : "ms");
}

static void print_outcome(FILE *f, const struct tree *t, const struct tree_node *n,
			  const struct tree_style *style)
{
	const char *error = intern_text(&t->texts, n->error);
	char number[16];

	snprintf(number, sizeof(number), "%" PRId32, n->http_status);
	if (n->http_status) {
		fputs("  ", f);
		painted(f, style, n->status == STATUS_ERROR ? PAINT_RED : PAINT_OFF, number);
	}
	if (n->status != STATUS_ERROR)
		return;
	fputs("  ", f);
	painted(f, style, PAINT_RED, "error");
	if (*error && strcmp(error, number) != 0) {
		fputs(" ", f);
		painted(f, style, PAINT_RED, error);
	}
}

/** What is doubtful about the place of a span. */
static void print_doubt(FILE *f, const struct tree_node *n, const struct tree_style *style)
{
	char id[17];

	if (n->has_parent && n->parent == TREE_NONE) {
		text_hex(n->parent_id, sizeof(n->parent_id), id);
		paint(f, style, PAINT_YELLOW);
		fprintf(f, "  (%s %s is not here)", n->parent_remote ? "caller" : "orphan: parent",
			id);
		paint(f, style, PAINT_OFF);
	}
	if (n->tier != TIER_EXACT && n->tier != TIER_NONE) {
		paint(f, style, PAINT_YELLOW);
		fprintf(f, "  (parent %s)", model_tier_name(n->tier));
		paint(f, style, PAINT_OFF);
	}
}

static void print_span(FILE *f, const struct tree *t, const struct tree_node *n, uint64_t origin_ns,
		       unsigned int depth, const struct tree_style *style)
{
	char start[24] = "+", took[24];

	format_duration(n->start_ns - origin_ns, start + 1, sizeof(start) - 1);
	format_duration(n->end_ns - n->start_ns, took, sizeof(took));
	fprintf(f, "%11s %10s  %*s", start, took,
		(int)(2 * (depth < INDENT_MAX ? depth : INDENT_MAX)), "");
	painted(f, style, PAINT_BOLD, intern_text(&t->texts, n->name));
	print_outcome(f, t, n, style);
	fprintf(f, "  %s  ", kind_names[n->kind <= SPAN_CLIENT ? n->kind : 0]);
	text_print(f, intern_text(&t->texts, n->service));
	print_doubt(f, n, style);
	putc('\n', f);
}

/** @root and all below it, parents before children, children in order of time. */
static void print_below(FILE *f, const struct tree *t, uint32_t root, uint64_t origin_ns,
			const struct tree_style *style)
{
	unsigned int depth = 0;
	uint32_t at = root;

	while (at != TREE_NONE) {
		print_span(f, t, &t->nodes[at], origin_ns, depth, style);
		if (t->nodes[at].first_child != TREE_NONE) {
			at = t->nodes[at].first_child;
			depth++;
			continue;
		}
		while (at != root && t->nodes[at].next_sibling == TREE_NONE) {
			at = t->nodes[at].parent;
			depth--;
		}
		at = at == root ? TREE_NONE : t->nodes[at].next_sibling;
	}
}

static uint32_t count_services(const struct tree *t, uint32_t from, uint32_t end)
{
	uint32_t count = 0, before;

	for (uint32_t i = from; i < end; i++) {
		for (before = from; before < i; before++)
			if (t->nodes[before].service == t->nodes[i].service)
				break;
		count += before == i;
	}
	return count;
}

static void print_heading(FILE *f, const struct tree *t, uint32_t from, uint32_t end,
			  const struct tree_style *style)
{
	uint64_t start_ns = t->nodes[from].start_ns, end_ns = 0;
	time_t seconds = (time_t)(start_ns / 1000000000u);
	uint32_t services = count_services(t, from, end);
	char id[33], took[24], when[32] = "";
	struct tm tm;

	for (uint32_t i = from; i < end; i++)
		end_ns = t->nodes[i].end_ns > end_ns ? t->nodes[i].end_ns : end_ns;
	text_hex(t->nodes[from].trace_id, 16, id);
	format_duration(end_ns > start_ns ? end_ns - start_ns : 0, took, sizeof(took));
	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	painted(f, style, PAINT_BOLD, "trace ");
	painted(f, style, PAINT_BOLD, id);
	paint(f, style, PAINT_DIM);
	fprintf(f, "  %" PRIu32 " span%s, %" PRIu32 " service%s, %s, %s.%03u", end - from,
		end - from == 1 ? "" : "s", services, services == 1 ? "" : "s", took, when,
		(unsigned int)(start_ns / 1000000u % 1000u));
	paint(f, style, PAINT_OFF);
	putc('\n', f);
}

int64_t tree_print(const struct tree *t, FILE *f, const struct tree_style *style)
{
	int64_t traces = 0;
	uint32_t end;

	for (uint32_t from = 0; from < t->count; from = end) {
		end = from;
		while (end < t->count &&
		       !memcmp(t->nodes[end].trace_id, t->nodes[from].trace_id, 16))
			end++;
		if (traces++)
			putc('\n', f);
		print_heading(f, t, from, end, style);
		for (uint32_t i = from; i < end; i++)
			if (t->nodes[i].parent == TREE_NONE)
				print_below(f, t, i, t->nodes[from].start_ns, style);
	}
	return fflush(f) || ferror(f) ? -EIO : traces;
}
