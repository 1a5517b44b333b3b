/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ctxagent export`: the spans of a directory to a file or an OTLP receiver. Without --follow it
 * reads everything there is and changes nothing, so it can be repeated; with --follow it takes out
 * what it delivers, until it is told to stop.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/directory.h"
#include "cli/progress.h"
#include "export/delivery.h"
#include "export/summary.h"

#define VISIT_MS 5
#define BUSY_RECORDS 256
#define GIVE_UP_FAILURES 8	/* attempts in a row, about half a minute */

enum { OPT_DIR, OPT_OUT, OPT_OTLP, OPT_FOLLOW };

static const struct cli_option options[] = {
	[OPT_DIR] = {"dir", "DIR", "read DIR instead of the latest run's directory"},
	[OPT_OUT] = {"out", "FILE", "write OTLP JSON to FILE, one request a line (-: stdout)"},
	[OPT_OTLP] = {"otlp", "URL", "send to the OTLP/HTTP receiver at URL"},
	[OPT_FOLLOW] = {"follow", NULL,
			"take out what is delivered, and wait for more until interrupted"},
	{0},
};

struct export {
	char directory[PATH_MAX];
	char save_path[PATH_MAX + 64];
	struct endpoint endpoint;
	struct delivery_options out;
	struct delivery *delivery;
	struct reader *reader;
	struct progress progress;
	uint64_t spans;
	int signal_fd;
	bool told_failure;
};

static void tear_down(struct export *e)
{
	progress_end(&e->progress);
	reader_close(e->reader);
	delivery_close(e->delivery);
	endpoint_free(&e->endpoint);
	if (e->signal_fd >= 0)
		close(e->signal_fd);
}

static int set_up(struct export *e, const struct cli_command *self,
		  const struct cli_arguments *args)
{
	const char *url = args->values[OPT_OTLP];
	bool follow = args->values[OPT_FOLLOW];
	struct config config;
	char error[512];
	int err;

	cli_config(&config);
	if (url || !args->values[OPT_OUT]) {
		if (endpoint_read(&config, url, &e->endpoint, error, sizeof(error)))
			return cli_error("%s", error);
		e->out.endpoint = &e->endpoint;
	}
	e->out.file = args->values[OPT_OUT];
	e->out.append = follow;
	if (!e->out.file && !e->endpoint.url)
		return cli_usage_error(self, "where to? Use --out FILE or --otlp URL, or set "
					     "OTEL_EXPORTER_OTLP_ENDPOINT");
	err = directory_to_read(&config, args->values[OPT_DIR], e->directory, sizeof(e->directory));
	if (!err)
		err = reader_open(&e->reader, e->directory,
				  follow ? READER_DRAIN | READER_SPOOLS | READER_CREATE
					 : READER_PEEK);
	if (err)
		return directory_complain(e->directory, err);
	if (follow) {
		snprintf(e->save_path, sizeof(e->save_path), "%s/undelivered-%d.jsonl",
			 e->directory, (int)getpid());
		e->out.save_path = e->save_path;
	}
	if (delivery_open(&e->delivery, &e->out, error, sizeof(error)))
		return cli_error("%s", error);
	return CLI_OK;
}

/** Says once that the endpoint does not answer, and once that it does again. */
static void watch_endpoint(struct export *e, const struct delivery_stats *stats)
{
	if (stats->failures && !e->told_failure) {
		progress_clear(&e->progress);
		cli_error("%s: %s; trying again", e->endpoint.url, stats->error);
	}
	e->told_failure = stats->failures > 0;
}

/* ---- all at once ---- */

static int take_all(void *arg, const struct reader_source *source, const struct record *record)
{
	struct delivery_stats stats;
	struct export *e = arg;
	int err;

	while ((err = delivery_take(e->delivery, source, record)) == -EAGAIN) {
		delivery_step(e->delivery, -1, 100);
		delivery_stats(e->delivery, &stats);
		watch_endpoint(e, &stats);
		if (stats.failures >= GIVE_UP_FAILURES || stats.refusals)
			return -EIO;
	}
	if (!err && record->kind == RECORD_SPAN)
		progress_show(&e->progress, ++e->spans);
	return err;
}

/** What is still on its way; as patient as take_all(). */
static void finish_all(struct export *e)
{
	struct delivery_stats stats = { 0 };

	delivery_flush(e->delivery);
	while (!delivery_idle(e->delivery)) {
		delivery_step(e->delivery, -1, 100);
		delivery_flush(e->delivery);
		delivery_stats(e->delivery, &stats);
		watch_endpoint(e, &stats);
		if (stats.failures >= GIVE_UP_FAILURES || stats.refusals || stats.file_error)
			break;
	}
	delivery_finish(e->delivery, 0);
}

static int report(struct export *e)
{
	char number[SUMMARY_NUMBER_SIZE];
	struct delivery_stats stats;
	int status = CLI_OK;

	progress_end(&e->progress);
	delivery_stats(e->delivery, &stats);
	if (stats.file_error)
		status = cli_error("cannot write %s: %s", e->out.file, strerror(stats.file_error));
	if (stats.rejected)
		status = cli_error("%s spans refused by %s: %s",
				   summary_number(stats.rejected, number), e->endpoint.url,
				   *stats.partial ? stats.partial : stats.error);
	else if (*stats.partial)
		cli_error("%s says: %s", e->endpoint.url, stats.partial);
	if (stats.saved)
		status = cli_error("%s spans not delivered, kept in %s",
				   summary_number(stats.saved, number), e->save_path);
	if (stats.lost && !stats.rejected)
		status = cli_error("%s: %s; nothing was removed from %s", e->endpoint.url,
				   stats.error, e->directory);
	if (status == CLI_OK && isatty(STDERR_FILENO))
		fprintf(stderr, "ctxagent: %s spans exported\n",
			summary_number(stats.taken, number));
	return status;
}

static int export_all(struct export *e)
{
	int64_t n = reader_peek(e->reader, take_all, e);
	struct delivery_stats stats;
	int status;

	if (n >= 0)
		finish_all(e);
	else
		delivery_finish(e->delivery, 0);
	status = report(e);
	delivery_stats(e->delivery, &stats);
	if (n < 0 && status == CLI_OK)
		status = cli_error("%s: %s",
				   e->endpoint.url && *stats.error ? e->endpoint.url : e->directory,
				   *stats.error ? stats.error : strerror((int)-n));
	return status;
}

/* ---- as it comes ---- */

static int take_some(void *arg, const struct reader_source *source, const struct record *record)
{
	struct export *e = arg;
	int err = delivery_take(e->delivery, source, record);

	if (!err && record->kind == RECORD_SPAN)
		progress_show(&e->progress, ++e->spans);
	return err;
}

static int open_signals(struct export *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	e->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return e->signal_fd < 0 ? -errno : 0;
}

static bool is_interrupted(const struct export *e)
{
	struct signalfd_siginfo info;

	return read(e->signal_fd, &info, sizeof(info)) == sizeof(info);
}

static int follow(struct export *e)
{
	struct delivery_stats stats = { 0 };
	int64_t n = 0;

	if (open_signals(e))
		return cli_error("signals: %s", strerror(errno));
	while (!is_interrupted(e)) {
		n = reader_drain(e->reader, false, take_some, e);
		delivery_stats(e->delivery, &stats);
		if (stats.file_error || (n < 0 && n != -EAGAIN))
			break;
		watch_endpoint(e, &stats);
		delivery_step(e->delivery, e->signal_fd, n > BUSY_RECORDS ? 0 : VISIT_MS);
	}
	if (n >= 0)
		n = reader_drain(e->reader, true, take_some, e);
	delivery_finish(e->delivery, 1000);
	if (n < 0 && n != -EAGAIN && !stats.file_error)
		return cli_error("%s: %s", e->directory, strerror((int)-n));
	return report(e);
}

static int export_main(const struct cli_command *self, int argc, char **argv)
{
	struct cli_arguments args;
	struct export e = { .signal_fd = -1 };
	int status;

	if (!cli_parse(self, argc, argv, &args, &status))
		return status;
	if (args.operand_count)
		return cli_usage_error(self, "unexpected '%s'", args.operands[0]);
	signal(SIGPIPE, SIG_IGN);
	status = set_up(&e, self, &args);
	if (!status) {
		progress_start(&e.progress, "spans exported");
		status = args.values[OPT_FOLLOW] ? follow(&e) : export_all(&e);
	}
	tear_down(&e);
	return status;
}

const struct cli_command cli_export = {
	.name = "export",
	.usage = "[--dir DIR] [--out FILE] [--otlp URL] [--follow]",
	.summary = "send spans to an OTLP receiver, or write them to a file",
	.text = "Without --out and --otlp the OTEL_EXPORTER_OTLP_* settings say where to. Without "
		"--follow\n"
		"all that is there is exported and nothing is removed: doing it again sends it "
		"again. With\n"
		"--follow what was delivered is removed, and what the receiver refuses is kept in\n"
		"DIR/undelivered-*.jsonl. Exit status 1 when not everything was delivered.\n",
	.options = options,
	.main = export_main,
};
