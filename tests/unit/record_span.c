/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A span as carry/ writes it and export/ reads it: every attribute comes back, what does not fit
 * is left out and counted, and malformed ones stop nobody.
 */
#include "record_harness.h"
#include "record/span.h"

#define SIZE_MAX_ (RING_HEADER_SIZE + 2 * RING_SEGMENT_SIZE)

/* A copy of the last span that was delivered. */
static union {
	struct record_span span;
	struct record record;
	char bytes[RECORD_MAX];
} got;

static int keep_span(void *arg, const struct reader_source *source, const struct record *record)
{
	(void)arg;
	(void)source;
	memcpy(&got, record, record->size);
	return 0;
}

static const struct record_span *last_span(void)
{
	struct reader *r = help_reader(READER_PEEK);

	memset(&got, 0, sizeof(got));
	assert_true(reader_peek(r, keep_span, NULL) > 0);
	reader_close(r);
	return reader_span(&got.record);
}

static void what_is_written_is_read(void **state)
{
	struct ring_writer w = { 0 };
	struct span_writer s;
	const struct record_span *span;
	struct reader_attribute a;
	size_t at = 0;

	(void)state;
	assert_int_equal(help_open(SIZE_MAX_), 0);
	/* Old bytes lie where the span will be. */
	memset(ring_reserve(&w, SPAN_ROOM, 1), 0xff, SPAN_ROOM);
	span_begin(&s, &w, 1);
	assert_non_null(s.span);
	s.span->start_ns = 10;
	s.span->end_ns = 20;
	memset(s.span->trace_id, 0xab, 16);
	s.span->kind = SPAN_SERVER;
	span_text(&s, ATTRIBUTE_URL_PATH, "/index", 6);
	span_number(&s, ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, -404);
	span_text(&s, ATTRIBUTE_USER_AGENT, "", 0);
	span_text(&s, ATTRIBUTE_REQUEST_ID, "12345678", 8);
	span_end(&s, &w);
	span = last_span();
	assert_non_null(span);
	assert_int_equal(span->record.size, sizeof(*span) + 16 + 16 + 8 + 16);
	assert_int_equal(span->start_ns, 10);
	assert_int_equal(span->trace_id[15], 0xab);
	assert_int_equal(span->parent_id[0], 0);
	assert_int_equal(span->attributes, 4);
	assert_true(reader_next_attribute(span, &at, &a));
	assert_string_equal(a.name, "url.path");
	assert_int_equal(a.len, 6);
	assert_memory_equal(a.text, "/index\0", 8);
	assert_true(reader_next_attribute(span, &at, &a));
	assert_string_equal(a.name, "http.response.status_code");
	assert_true(a.is_number);
	assert_int_equal(a.number, -404);
	assert_true(reader_next_attribute(span, &at, &a));
	assert_int_equal(a.key, ATTRIBUTE_USER_AGENT);
	assert_int_equal(a.len, 0);
	assert_true(reader_next_attribute(span, &at, &a));
	assert_memory_equal(a.text, "12345678", 8);
	assert_false(reader_next_attribute(span, &at, &a));
}

/* Texts of every length up to and past the room: the span is always whole. */
static void what_does_not_fit_is_left_out(void **state)
{
	static char text[70000];
	const size_t room =
		SPAN_ROOM - sizeof(struct record_span) - sizeof(struct record_attribute);
	struct ring_writer w = { 0 };
	struct span_writer s;
	uint64_t dropped = 0;

	(void)state;
	assert_int_equal(help_open(SIZE_MAX_), 0);
	memset(text, 'x', sizeof(text));
	for (size_t len = room - 40; len < room + 20; len++) {
		struct reader_attribute a;
		size_t at = 0;
		bool fits = len <= room;

		span_begin(&s, &w, 1);
		span_text(&s, ATTRIBUTE_URL_PATH, text, len);
		span_number(&s, ATTRIBUTE_NETWORK_PEER_PORT, 5);
		dropped += !fits + (fits && ((len + 7) & ~(size_t)7) + 16 > room);
		span_end(&s, &w);
		assert_int_equal(ring_counted(COUNTER_ATTRIBUTES_DROPPED), dropped);
		assert_non_null(last_span());
		while (reader_next_attribute(&got.span, &at, &a))
			assert_true(a.key == ATTRIBUTE_NETWORK_PEER_PORT ? a.number == 5 : a.len == len);
		assert_int_equal(at, got.span.attributes_size);
	}
	span_begin(&s, &w, 1);
	span_text(&s, ATTRIBUTE_URL_PATH, text, sizeof(text));
	span_end(&s, &w);
	assert_int_equal(ring_counted(COUNTER_ATTRIBUTES_DROPPED), dropped + 1);
	assert_int_equal(last_span()->attributes, 0);
}

static void without_room_everything_is_a_no_op(void **state)
{
	struct ring_writer w = { 0 };
	struct span_writer s;

	(void)state;
	ring_forget();
	span_begin(&s, &w, 1);
	assert_null(s.span);
	span_text(&s, ATTRIBUTE_URL_PATH, "x", 1);
	span_number(&s, ATTRIBUTE_NETWORK_PEER_PORT, 1);
	span_end(&s, &w);
	assert_int_equal(ring_counted(COUNTER_RING_DROPPED), 1);
	assert_int_equal(ring_counted(COUNTER_ATTRIBUTES_DROPPED), 0);
}

/* Bytes that no writer of ours wrote. */
static void malformed_spans_and_attributes(void **state)
{
	struct record_attribute *a = (struct record_attribute *)(&got.span + 1);
	struct reader_attribute out;
	size_t at;

	(void)state;
	memset(&got, 0, sizeof(got));
	got.record.kind = RECORD_SPAN;
	got.record.size = sizeof(got.span) - 8;
	assert_null(reader_span(&got.record));
	got.record.size = sizeof(got.span) + 32;
	got.span.attributes_size = 40;
	assert_null(reader_span(&got.record));
	got.record.kind = RECORD_PAD;
	got.span.attributes_size = 32;
	assert_null(reader_span(&got.record));
	got.record.kind = RECORD_SPAN;
	assert_non_null(reader_span(&got.record));

	/* Longer than what is there. */
	a->key = ATTRIBUTE_URL_PATH;
	a->len = 25;
	at = 0;
	assert_false(reader_next_attribute(&got.span, &at, &out));
	a->len = 24;
	assert_true(reader_next_attribute(&got.span, &at, &out));
	assert_false(reader_next_attribute(&got.span, &at, &out));
	/* A key of a later build, then a number that is none, then nothing. */
	a->key = ATTRIBUTE_COUNT;
	a->len = 8;
	a[2].key = ATTRIBUTE_SERVER_PORT;
	a[2].len = 4;
	at = 0;
	assert_false(reader_next_attribute(&got.span, &at, &out));
	assert_int_equal(at, 32);
	/* A half header at the end, and a text whose padding would lie behind it. */
	got.span.attributes_size = 13;
	at = 0;
	a->len = 4;
	a->key = ATTRIBUTE_URL_PATH;
	assert_true(reader_next_attribute(&got.span, &at, &out));
	assert_false(reader_next_attribute(&got.span, &at, &out));
	at = SIZE_MAX;
	assert_false(reader_next_attribute(&got.span, &at, &out));
}

static void every_counter_has_a_name(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < COUNTER_COUNT; i++) {
		assert_true(strlen(counter_name(i)) > 2 &&
			    strlen(counter_name(i)) < RING_COUNTER_NAME_MAX);
		assert_true(strlen(counter_help(i)) > 5);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(counter_name(i), counter_name(j));
	}
	assert_string_equal(counter_name(COUNTER_COUNT), "");
	assert_string_equal(counter_help(COUNTER_COUNT), "");
	assert_true(strncmp(counter_name(COUNTER_REFUSED_FIRST), "refused.", 8) == 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read),
		T(what_does_not_fit_is_left_out),
		T(without_room_everything_is_a_no_op),
		T(malformed_spans_and_attributes),
		T(every_counter_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
