/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ctxagent run`: starts a program with the agent, takes its spans out of the rings while it runs,
 * keeps or delivers them, and ends as the program ended.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/cli.h"
#include "cli/directory.h"
#include "cli/elf.h"
#include "cli/library.h"
#include "cli/program.h"
#include "export/delivery.h"
#include "export/summary.h"

#define VISIT_MS 5		/* a busy thread fills its segment in little more */
#define BUSY_RECORDS 256	/* after that many there may be more at once */
#define END_WAIT_MS 5000	/* without progress, at the end */
#define KEEP_MAX (1024u * 1024 * 1024)

enum { OPT_DIR, OPT_OUT, OPT_OTLP, OPT_QUIET };

static const struct cli_option options[] = {
	[OPT_DIR] = {"dir", "DIR", "put the data into DIR"},
	[OPT_OUT] = {"out", "FILE",
		     "write spans to FILE (OTLP JSON, one request a line; -: stdout)"},
	[OPT_OTLP] = {"otlp", "URL", "send spans to the OTLP/HTTP receiver at URL"},
	[OPT_QUIET] = {"quiet", NULL, "no summary at the end"},
	{0},
};

struct run {
	char directory[PATH_MAX];
	char library[PATH_MAX];
	char save_path[PATH_MAX + 64];
	struct config config;
	struct endpoint endpoint;
	struct delivery_options out;
	struct delivery *delivery;	/* NULL: data is kept in the directory */
	struct reader *reader;		/* NULL: not drained (any more) */
	struct child child;
	struct summary summary;
	uint64_t dropped;		/* by full rings of processes that are gone or done with */
	uint32_t alive;			/* processes that still run at the end */
	int drain_error;
	bool over;			/* KEEP_MAX reached */
};

/* ---- setting up ---- */

static int set_up_delivery(struct run *r, const struct cli_arguments *args)
{
	const char *url = args->values[OPT_OTLP];
	char error[512];

	if (url || !args->values[OPT_OUT]) {
		if (endpoint_read(&r->config, url, &r->endpoint, error, sizeof(error)))
			return cli_error("%s", error);
		r->out.endpoint = &r->endpoint;
	}
	r->out.file = args->values[OPT_OUT];
	if (!r->out.file && !r->endpoint.url)
		return 0;
	snprintf(r->save_path, sizeof(r->save_path), "%s/undelivered-%d.jsonl", r->directory,
		 (int)getpid());
	r->out.save_path = r->save_path;
	if (delivery_open(&r->delivery, &r->out, error, sizeof(error)))
		return cli_error("%s", error);
	return 0;
}

static int set_up_reader(struct run *r)
{
	unsigned int mode = READER_CREATE | READER_DRAIN | (r->delivery ? 0 : READER_KEEP);
	int err = reader_open(&r->reader, r->directory, mode);

	if (err != -EBUSY || r->delivery)
		return err ? directory_complain(r->directory, err) : 0;
	fprintf(stderr, "ctxagent: another ctxagent takes the data out of %s already\n",
		r->directory);
	return 0;
}

static int set_up(struct run *r, const struct cli_arguments *args)
{
	int err;

	cli_config(&r->config);
	err = library_find(r->library, sizeof(r->library));
	if (err == -EINVAL)
		return cli_error("%s: LD_PRELOAD cannot name a path with a space or a colon",
				 r->library);
	if (err)
		return cli_error(LIBRARY_NAME
				 " is neither beside ctxagent nor in ../lib or ../lib/ctxagent");
	r->directory[0] = '\0';
	err = directory_for_run(&r->config, args->values[OPT_DIR], r->directory,
				sizeof(r->directory));
	if (err)
		return directory_complain(r->directory, err);
	err = set_up_delivery(r, args);
	return err ? err : set_up_reader(r);
}

/** A program linked to gcc's AddressSanitizer refuses to start unless its runtime comes first. */
static char *compose_preload(const struct run *r, const char *program)
{
	char path[PATH_MAX], script[PATH_MAX];
	const char *first = NULL;
	struct elf_facts facts;
	char *preload;

	if (program_find(program, path, script) || elf_read(path, &facts))
		return library_preload(NULL, getenv("LD_PRELOAD"), r->library);
	for (uint32_t i = 0; i < facts.needed.count && !first; i++)
		if (library_is_asan(facts.needed.texts[i]))
			first = facts.needed.texts[i];
	preload = library_preload(first, getenv("LD_PRELOAD"), r->library);
	elf_free(&facts);
	return preload;
}

static int start(struct run *r, char **argv)
{
	char *preload = compose_preload(r, argv[0]);
	int err = child_start(&r->child, argv, preload, r->directory);

	free(preload);
	if (!err)
		return 0;
	cli_error("%s: %s", argv[0], strerror(-err));
	return err == -ENOENT ? CHILD_NOT_FOUND : CHILD_NOT_EXECUTABLE;
}

/* ---- while it runs ---- */

static int take(void *arg, const struct reader_source *source, const struct record *record)
{
	struct run *r = arg;
	int err = r->delivery ? delivery_take(r->delivery, source, record) : 0;

	if (!err)
		summary_add(&r->summary, source, record);
	return err;
}

static int count_gone(void *arg, const struct reader_source *source)
{
	struct run *r = arg;

	r->dropped += reader_counter(source, COUNTER_RING_DROPPED);
	return 0;
}

/** Takes what is there now. Returns how many records, or a negative errno. */
static int64_t visit(struct run *r, bool final)
{
	int64_t n;

	if (!r->reader)
		return 0;
	n = reader_drain(r->reader, final, take, r);
	r->drain_error = n < 0 && n != -EAGAIN ? (int)n : 0;
	if (!r->delivery && r->summary.bytes > KEEP_MAX) {
		r->over = true;		/* from now on the rings keep what is newest */
		reader_close(r->reader);
		r->reader = NULL;
	}
	return n;
}

/** Waits, sending meanwhile, until something happens or @timeout_ms are over. */
static void wait_and_send(struct run *r, int timeout_ms)
{
	struct pollfd p = { .fd = r->child.signal_fd, .events = POLLIN };

	if (r->delivery)
		delivery_step(r->delivery, r->child.signal_fd, timeout_ms);
	else
		poll(&p, 1, timeout_ms);
	child_signals(&r->child);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/** Empties the rings for the last time; gives up when the endpoint takes nothing for too long. */
static void drain_rest(struct run *r)
{
	int64_t n, last = now_ms();
	struct delivery_stats stats = { 0 };
	uint64_t done = 0;

	for (;;) {
		n = visit(r, true);	/* one complete visit has all that the program wrote */
		if (n != -EAGAIN)
			return;
		wait_and_send(r, VISIT_MS);
		delivery_stats(r->delivery, &stats);
		if (stats.delivered + stats.rejected != done)
			last = now_ms();
		done = stats.delivered + stats.rejected;
		if (r->child.interrupted || now_ms() - last > END_WAIT_MS)
			return;
	}
}

static int count_left(void *arg, const struct reader_source *source)
{
	struct run *r = arg;

	r->alive += reader_alive(source);
	r->dropped += reader_counter(source, COUNTER_RING_DROPPED);
	return 0;
}

static void finish(struct run *r)
{
	drain_rest(r);
	if (r->delivery)
		delivery_finish(r->delivery, r->child.interrupted ? 0 : END_WAIT_MS);
	if (r->reader)
		reader_sources(r->reader, count_left, r);
	reader_close(r->reader);
	r->reader = NULL;
}

static void watch(struct run *r)
{
	int64_t n;

	if (r->reader && r->delivery)	/* else their files stay, and are counted at the end */
		reader_on_gone(r->reader, count_gone, r);
	child_signals(&r->child);
	while (!r->child.ended) {
		n = visit(r, false);
		wait_and_send(r, n > BUSY_RECORDS ? 0 : VISIT_MS);
	}
	finish(r);
}

/* ---- what it came to ---- */

static void say_delivered(const struct run *r)
{
	struct delivery_stats stats;
	char number[SUMMARY_NUMBER_SIZE];

	delivery_stats(r->delivery, &stats);
	if (r->out.file)
		fprintf(stderr, "ctxagent: %s spans written to %s\n",
			summary_number(stats.written, number), r->out.file);
	if (r->endpoint.url)
		fprintf(stderr, "ctxagent: %s spans sent to %s\n",
			summary_number(stats.delivered, number), r->endpoint.url);
}

/** Trouble is told even with --quiet. */
static void say_trouble(const struct run *r)
{
	struct delivery_stats stats = { .error = "", .partial = "" };
	char number[SUMMARY_NUMBER_SIZE];

	if (r->delivery)
		delivery_stats(r->delivery, &stats);
	if (stats.file_error)
		cli_error("cannot write %s: %s", r->out.file, strerror(stats.file_error));
	if (stats.rejected || *stats.partial)
		cli_error("%s spans refused by %s: %s", summary_number(stats.rejected, number),
			  r->endpoint.url, *stats.partial ? stats.partial : stats.error);
	if (stats.saved)
		cli_error("%s spans not delivered (%s), kept in %s",
			  summary_number(stats.saved, number), stats.error, r->save_path);
	if (stats.lost)
		cli_error("%s spans lost: %s", summary_number(stats.lost, number), stats.error);
	if (r->drain_error)
		cli_error("%s: %s", r->directory, strerror(-r->drain_error));
	if (r->dropped)
		cli_error("%s spans dropped because a ring was full (CTXAGENT_RING_SIZE)",
			  summary_number(r->dropped, number));
}

static void say_summary(const struct run *r, const char *program)
{
	fputs("ctxagent: ", stderr);
	summary_print(&r->summary, stderr);
	if (r->delivery)
		say_delivered(r);
	else
		fprintf(stderr, "ctxagent: data in %s; look at it: ctxagent show --dir %s\n",
			r->directory, r->directory);
	if (!r->summary.spans)
		fprintf(stderr, "ctxagent: nothing was traced: ctxagent doctor %s says why\n",
			program);
	if (r->over)
		fputs("ctxagent: more than 1 GiB: only the newest spans were kept after that\n",
		      stderr);
	if (r->alive)
		fprintf(stderr,
			"ctxagent: %" PRIu32 " process%s still running: ctxagent export --follow "
			"--dir %s goes on\n",
			r->alive, r->alive == 1 ? " is" : "es are", r->directory);
}

static void tear_down(struct run *r)
{
	reader_close(r->reader);
	delivery_close(r->delivery);
	endpoint_free(&r->endpoint);
	summary_free(&r->summary);
}

static int run_main(const struct cli_command *self, int argc, char **argv)
{
	struct cli_arguments args;
	struct run r = { 0 };
	int status;

	if (!cli_parse(self, argc, argv, &args, &status))
		return status;
	if (!args.operand_count)
		return cli_usage_error(self, "a program to run is missing");
	status = set_up(&r, &args);
	if (!status)
		status = start(&r, args.operands);
	if (status) {
		tear_down(&r);
		return status;
	}
	watch(&r);
	if (!args.values[OPT_QUIET])
		say_summary(&r, args.operands[0]);
	say_trouble(&r);
	tear_down(&r);
	return child_status(&r.child);
}

const struct cli_command cli_run = {
	.name = "run",
	.usage = "[OPTION]... [--] PROGRAM [ARGUMENT]...",
	.summary = "run a program with the agent and collect its spans",
	.text = "Spans stay in a directory of their own ('ctxagent show' finds the latest), or in "
		"DIR. With\n"
		"--out or --otlp, or with OTEL_EXPORTER_OTLP_ENDPOINT set and no --out, they go "
		"there\n"
		"instead; what cannot be delivered is kept in DIR/undelivered-*.jsonl. The exit "
		"status is\n"
		"the program's own; 127 when it is not found, 126 when it cannot be executed.\n",
	.options = options,
	.options_first = true,
	.main = run_main,
};
