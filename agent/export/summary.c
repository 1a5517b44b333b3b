/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting what goes by; see summary.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/summary.h"
#include "export/text.h"

#define PROGRAMS_SHOWN 12u

static uint64_t *find(const struct id_set *set, uint64_t id)
{
	uint32_t i = (uint32_t)(id * 0x9e3779b97f4a7c15u >> 32) & (set->cap - 1);

	while (set->slots[i] && set->slots[i] != id)
		i = (i + 1) & (set->cap - 1);
	return &set->slots[i];
}

static void grow(struct id_set *set)
{
	struct id_set old = *set;

	set->cap = old.cap ? old.cap * 2 : 1024;
	set->slots = memory_get(set->cap * sizeof(*set->slots));
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.slots[i])
			*find(set, old.slots[i]) = old.slots[i];
	free(old.slots);
}

/** True when @id was not there yet. */
static bool put(struct id_set *set, uint64_t id)
{
	uint64_t *slot;

	id = id ? id : 1;
	if (set->count >= set->cap / 2)
		grow(set);
	slot = find(set, id);
	if (*slot)
		return false;
	set->full = set->full || set->count == SUMMARY_IDS_MAX;
	if (set->full)
		return false;
	*slot = id;
	set->count++;
	return true;
}

static void count_process(struct summary *s, const struct reader_source *source)
{
	char text[READER_TEXT_SIZE];
	struct arena scratch = { 0 };
	uint32_t name;

	name = intern_put(&s->names,
			  text_copy(&scratch, text, reader_text(source, READER_EXECUTABLE, text)));
	arena_free(&scratch);
	if (name == s->program_count) {
		s->programs = memory_resize(s->programs, (name + 1) * sizeof(*s->programs));
		s->programs[name] = (struct summary_program){ .name = name };
		s->program_count++;
	}
	s->programs[name].processes++;
}

void summary_add(struct summary *s, const struct reader_source *source, const struct record *record)
{
	const struct record_span *span = reader_span(record);

	s->bytes += record->size;
	if (!span)
		return;
	s->spans++;
	s->requests += span->kind == SPAN_SERVER;
	s->calls += span->kind == SPAN_CLIENT;
	s->errors += span->status == STATUS_ERROR;
	put(&s->traces, intern_hash(span->trace_id, sizeof(span->trace_id)));
	if (put(&s->processes, source->header->generation))
		count_process(s, source);
}

const char *summary_number(uint64_t n, char *out)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}

static void print_count(FILE *f, uint64_t n, const char *one, const char *many, const char *end)
{
	char number[SUMMARY_NUMBER_SIZE];

	fprintf(f, "%s %s%s", summary_number(n, number), n == 1 ? one : many, end);
}

void summary_print(const struct summary *s, FILE *f)
{
	print_count(f, s->requests, "request", "requests", ", ");
	print_count(f, s->calls, "call", "calls", ", ");
	print_count(f, s->spans, "span", "spans", s->traces.full ? ", more than " : ", ");
	print_count(f, s->traces.count, "trace", "traces", ", ");
	print_count(f, s->errors, "error", "errors", "; programs: ");
	for (uint32_t i = 0; i < s->program_count && i < PROGRAMS_SHOWN; i++) {
		fputs(i ? ", " : "", f);
		text_print(f, intern_text(&s->names, s->programs[i].name));
		if (s->programs[i].processes > 1)
			fprintf(f, " (%" PRIu32 ")", s->programs[i].processes);
	}
	if (s->program_count > PROGRAMS_SHOWN)
		fprintf(f, " and %" PRIu32 " more", s->program_count - PROGRAMS_SHOWN);
	fputs(s->program_count ? "\n" : "none\n", f);
}

void summary_free(struct summary *s)
{
	free(s->traces.slots);
	free(s->processes.slots);
	free(s->programs);
	intern_free(&s->names);
	memset(s, 0, sizeof(*s));
}
