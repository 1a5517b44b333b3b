/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ctxagent show`: trace trees and counters of a directory, for people. Reads only.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/directory.h"
#include "export/counters.h"
#include "export/text.h"
#include "export/tree.h"

enum { OPT_DIR, OPT_TRACE, OPT_COUNTERS };

static const struct cli_option options[] = {
	[OPT_DIR] = { "dir", "DIR", "read DIR instead of the latest run's directory" },
	[OPT_TRACE] = { "trace", "ID", "only the trace with this id, or whose id begins so" },
	[OPT_COUNTERS] = { "counters", NULL, "what the agent counted, instead of traces" },
	{ 0 },
};

struct show {
	struct tree tree;
	struct arena resources, scratch;
	struct model_resource resource;	/* of the process that the last record came from */
	const char *prefix;		/* of the trace ids to show, lower case; "" for all */
};

static bool is_wanted(const struct show *s, const struct model_span *span)
{
	char id[33];

	text_hex(span->trace_id, sizeof(span->trace_id), id);
	return !strncmp(id, s->prefix, strlen(s->prefix));
}

static int take(void *arg, const struct reader_source *source, const struct record *record)
{
	struct model_span span;
	struct show *s = arg;

	if (!s->resource.service || s->resource.pid != source->header->pid ||
	    s->resource.generation != source->header->generation) {
		arena_reset(&s->resources);
		model_resource_read(&s->resources, source, NULL, &s->resource);
	}
	arena_reset(&s->scratch);
	if (!model_span_read(&s->scratch, &s->resource, record, &span) && is_wanted(s, &span))
		tree_add(&s->tree, &s->resource, &span);
	return 0;
}

/** Colour on a terminal only, and not when the user says so (no-color.org). */
static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static int show_traces(struct reader *reader, const char *prefix, const char *directory)
{
	struct tree_style style = { .colour = wants_colour() };
	struct show s = { .prefix = prefix };
	int64_t n = reader_peek(reader, take, &s);

	if (n >= 0) {
		tree_arrange(&s.tree);
		n = tree_print(&s.tree, stdout, &style);
	}
	tree_free(&s.tree);
	arena_free(&s.resources);
	arena_free(&s.scratch);
	if (n < 0)
		return cli_error("%s: %s", directory, strerror((int)-n));
	if (!n && *prefix)
		return cli_error("no trace %s in %s", prefix, directory);
	if (!n)
		fprintf(stderr, "ctxagent: no spans in %s\n", directory);
	return CLI_OK;
}

static int show_counters(struct reader *reader, const char *directory)
{
	struct counters counters = { 0 };
	int64_t n = reader_sources(reader, counters_add, &counters);

	if (n < 0 || counters_print(&counters, stdout))
		return cli_error("%s: %s", directory, strerror(n < 0 ? (int)-n : EIO));
	return CLI_OK;
}

static void say_refused(const struct reader *reader, const char *directory)
{
	struct reader_stats stats;

	reader_stats(reader, &stats);
	if (stats.foreign)
		cli_error("%s: %llu files of another version of ctxagent were left out", directory,
			  (unsigned long long)stats.foreign);
	if (stats.refused > stats.foreign)
		cli_error("%s: %llu files were left out: not yours, or no ring files", directory,
			  (unsigned long long)(stats.refused - stats.foreign));
	if (stats.damaged)
		cli_error("%s: %llu damaged parts were left out", directory,
			  (unsigned long long)stats.damaged);
}

/** Lower-cases a trace id or the beginning of one. */
static bool read_prefix(const char *given, char *out, size_t cap)
{
	size_t len = given ? strlen(given) : 0;

	if (len >= cap || (len && strspn(given, "0123456789abcdefABCDEF") != len))
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(given[i] >= 'A' && given[i] <= 'F' ? given[i] | 0x20 : given[i]);
	out[len] = '\0';
	return true;
}

static int show_main(const struct cli_command *self, int argc, char **argv)
{
	char directory[PATH_MAX] = "", prefix[33];
	struct cli_arguments args;
	struct config config;
	struct reader *reader;
	int status, err;

	if (!cli_parse(self, argc, argv, &args, &status))
		return status;
	if (args.operand_count)
		return cli_usage_error(self, "unexpected '%s'", args.operands[0]);
	if (!read_prefix(args.values[OPT_TRACE], prefix, sizeof(prefix)))
		return cli_usage_error(self, "'%s' is no trace id", args.values[OPT_TRACE]);
	cli_config(&config);
	err = directory_to_read(&config, args.values[OPT_DIR], directory, sizeof(directory));
	if (!err)
		err = reader_open(&reader, directory, READER_PEEK);
	if (err)
		return directory_complain(directory, err);
	if (args.values[OPT_COUNTERS])
		status = show_counters(reader, directory);
	else
		status = show_traces(reader, prefix, directory);
	say_refused(reader, directory);
	reader_close(reader);
	return status;
}

const struct cli_command cli_show = {
	.name = "show",
	.usage = "[--dir DIR] [--trace ID] [--counters]",
	.summary = "print traces as trees",
	.text = "One line a span: when it began in its trace, how long it took, what it did, what "
		"came of\n"
		"it, its kind and service. A span whose parent is not in the data stands at the "
		"margin.\n"
		"Colour on a terminal only, and not when NO_COLOR is set.\n",
	.options = options,
	.main = show_main,
};
