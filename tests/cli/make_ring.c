/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for a traced program: writes one ring file of spans, as libctxagent.so would, and ends.
 *
 *     make_ring DIRECTORY [executable=NAME] [service=NAME] [resource=LIST] [context=LIST] [count=N]
 *               [sleep=SECONDS] [SPAN]...
 *
 * SPAN is words joined by "|": trace=HEX span=HEX parent=HEX kind=N start=MS ms=MS status=N tier=N
 * rule=N flags=N remote=1, or an attribute's name=value. What is missing is made up. start counts
 * from the moment of writing, for golden output use base=NS: wall time of start=0, in nanoseconds.
 * count=N: writes N more spans of 8 to a trace. sleep: stays alive with an open ring.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/counter.h"
#include "record/ring.h"
#include "record/span.h"

static const struct {
	const char *name;
	enum { TEXT, NUMBER } type;
} attributes[] = {
#define ATTRIBUTE(id, name, type) { name, type },
#include "record/attribute.def"
#undef ATTRIBUTE
};

struct maker {
	struct ring_identity identity;
	struct ring_writer writer;
	uint64_t now_ns;
	uint64_t base_ns;		/* CLOCK_MONOTONIC of start=0 */
	unsigned long count, sleep_s;
	uint64_t next_id;
};

static void die(const char *what, const char *which)
{
	fprintf(stderr, "make_ring: %s: %s\n", which, what);
	exit(1);
}

static void read_hex(const char *text, uint8_t *out, size_t len)
{
	unsigned int byte;

	if (strlen(text) != 2 * len)
		die("wrong length", text);
	for (size_t i = 0; i < len; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			die("no hex", text);
		out[i] = (uint8_t)byte;
	}
}

static void add_attribute(struct span_writer *s, const char *name, const char *value)
{
	for (unsigned int i = 0; i < ATTRIBUTE_COUNT; i++) {
		if (strcmp(attributes[i].name, name))
			continue;
		if (attributes[i].type == TEXT)
			span_text(s, (enum record_attribute_key)i, value, strlen(value));
		else
			span_number(s, (enum record_attribute_key)i, strtoll(value, NULL, 10));
		return;
	}
	die("no such word", name);
}

static uint64_t milliseconds(const char *value)
{
	return (uint64_t)(strtod(value, NULL) * 1e6);
}

/** One name=value word of a span. Returns false when it is an attribute. */
static bool set_field(struct maker *m, struct record_span *span, const char *name,
		      const char *value)
{
	long number = strtol(value, NULL, 10);

	if (!strcmp(name, "trace"))
		read_hex(value, span->trace_id, sizeof(span->trace_id));
	else if (!strcmp(name, "span"))
		read_hex(value, span->span_id, sizeof(span->span_id));
	else if (!strcmp(name, "parent"))
		read_hex(value, span->parent_id, sizeof(span->parent_id));
	else if (!strcmp(name, "kind"))
		span->kind = (uint8_t)number;
	else if (!strcmp(name, "start"))
		span->start_ns = m->base_ns + milliseconds(value);
	else if (!strcmp(name, "ms"))
		span->end_ns = span->start_ns + milliseconds(value);
	else if (!strcmp(name, "status"))
		span->status = (uint8_t)number;
	else if (!strcmp(name, "tier"))
		span->tier = (uint8_t)number;
	else if (!strcmp(name, "rule"))
		span->rule = (uint8_t)number;
	else if (!strcmp(name, "flags"))
		span->flags = (uint8_t)number;
	else if (!strcmp(name, "remote"))
		span->parent_remote = (uint8_t)number;
	else
		return false;
	return true;
}

static void begin(struct maker *m, struct span_writer *s)
{
	uint64_t id = ++m->next_id;

	span_begin(s, &m->writer, m->now_ns);
	if (!s->span)
		die("no room", "ring");
	s->span->start_ns = m->base_ns;
	s->span->end_ns = m->base_ns + 1000000;
	s->span->kind = SPAN_SERVER;
	s->span->tier = TIER_EXACT;
	s->span->flags = 1;
	s->span->tid = (uint32_t)getpid();
	memcpy(s->span->span_id, &id, sizeof(id));
	id = (m->next_id + 7) / 8;
	memcpy(s->span->trace_id, &id, sizeof(id));
	memcpy(s->span->trace_id + 8, &m->identity.generation, 8);
}

static void write_span(struct maker *m, char *words)
{
	struct span_writer s;
	char *save = NULL, *value;

	begin(m, &s);
	for (char *word = strtok_r(words, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		value = strchr(word, '=');
		if (!value)
			die("no '='", word);
		*value++ = '\0';
		if (!set_field(m, s.span, word, value))
			add_attribute(&s, word, value);
	}
	span_end(&s, &m->writer);
	ring_count(COUNTER_SPANS, 1);
}

static void write_many(struct maker *m)
{
	struct span_writer s;
	char path[32];

	for (unsigned long i = 0; i < m->count; i++) {
		begin(m, &s);
		add_attribute(&s, "http.request.method", "GET");
		snprintf(path, sizeof(path), "/item/%lu", i % 100);
		add_attribute(&s, "url.path", path);
		add_attribute(&s, "http.response.status_code", "200");
		span_end(&s, &m->writer);
		ring_count(COUNTER_SPANS, 1);
	}
}

/** A word before the spans. Returns false when it is none. */
static bool set_option(struct maker *m, const char *word)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : 0;

	value += value != NULL;
	if (!strncmp(word, "executable=", len + 1))
		m->identity.executable = value;
	else if (!strncmp(word, "service=", len + 1))
		m->identity.service = value;
	else if (!strncmp(word, "resource=", len + 1))
		m->identity.resource = value;
	else if (!strncmp(word, "context=", len + 1))
		m->identity.context = value;
	else if (!strncmp(word, "count=", len + 1))
		m->count = strtoul(value, NULL, 10);
	else if (!strncmp(word, "sleep=", len + 1))
		m->sleep_s = strtoul(value, NULL, 10);
	else if (!strncmp(word, "base=", len + 1))
		m->base_ns = strtoull(value, NULL, 10) - clock_realtime() + m->now_ns;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct maker m = { .identity = { .executable = "maker", .size_max = 64u << 20 } };
	int at = 2, err;

	if (argc < 2)
		die("a directory is missing", "usage");
	clock_init();
	m.identity.directory = argv[1];
	m.identity.generation = clock_realtime() ^ (uint64_t)getpid() << 32;
	m.now_ns = clock_monotonic();
	m.base_ns = m.now_ns;
	while (at < argc && set_option(&m, argv[at]))
		at++;
	err = ring_open(&m.identity);
	if (err)
		die(strerror(-err), argv[1]);
	for (; at < argc; at++)
		write_span(&m, argv[at]);
	write_many(&m);
	if (m.sleep_s)
		sleep((unsigned int)m.sleep_s);
	ring_release(&m.writer);
	return 0;
}
