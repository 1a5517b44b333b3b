/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With `quiet` and `brief` the parser says less, never otherwise: on every stream of the tables of
 * proto_http1.c and proto_http1_smuggling.c, whole and split at every byte, messages begin and end at
 * the same bytes with the same status, body and keep-alive. Only header lines that break the grammar and
 * say nothing of framing may pass.
 */
#define main proto_http1_main
int main(void);
#include "proto_http1.c"	/* NOLINT(bugprone-suspicious-include): its tables */
#undef main
#define main proto_http1_smuggling_main
int main(void);
#include "proto_http1_smuggling.c"	/* NOLINT(bugprone-suspicious-include): its tables */
#undef main

#define SAID_MAX 128

/** What an event says of framing: of HEADER, BLANK and HEAD nothing is kept. */
struct said {
	enum http1_event event;
	size_t at;		/* where in the stream */
	uint16_t status;
	uint8_t minor;
	bool is_head, is_connect;
	/* from here on: at END and TUNNEL */
	bool keep_alive, upgrade, expect_continue;
	enum http1_body body;
	uint64_t content_length, body_bytes;
	uint32_t head_bytes;
};

struct run {
	struct http1 parser;
	const char *asks;
	bool expected, over;
	size_t fed, count;
	struct said said[SAID_MAX];
	char line[STREAM_LINE_CAP];
};

static void run_begin(struct run *run, const struct stream *s, bool quiet)
{
	memset(run, 0, sizeof(*run));
	http1_init(&run->parser, s->role);
	run->parser.quiet = quiet;
	run->parser.brief = quiet;
	run->asks = s->asks;
}

static void run_note(struct run *run, enum http1_event event, size_t used)
{
	const struct http1 *p = &run->parser;
	struct said *said = &run->said[run->count];

	if (event == HTTP1_HEADER || event == HTTP1_BLANK || event == HTTP1_HEAD) {
		assert_false(p->quiet);
		return;
	}
	assert_true(run->count++ < SAID_MAX);
	*said = (struct said){ .event = event, .at = event == HTTP1_BAD ? 0 : run->fed + used,
			       .status = p->status, .minor = p->minor, .is_head = p->is_head,
			       .is_connect = p->is_connect };
	if (event != HTTP1_END && event != HTTP1_TUNNEL)
		return;
	said->keep_alive = p->keep_alive;
	said->upgrade = p->upgrade;
	said->expect_continue = p->expect_continue;
	said->body = p->body;
	said->content_length = p->content_length;
	said->body_bytes = p->body_bytes;
	said->head_bytes = p->head_bytes;
}

static void run_event(struct run *run, enum http1_event event, size_t used)
{
	struct http1 *p = &run->parser;

	run_note(run, event, used);
	if (event == HTTP1_START && !run->expected && *run->asks) {
		http1_expect(p, *run->asks == 'H', *run->asks == 'C');
		run->asks++;
		run->expected = true;
	}
	if (event == HTTP1_END && (p->role == HTTP1_REQUEST || p->status >= 200))
		run->expected = false;
	run->over = event == HTTP1_BAD || event == HTTP1_TUNNEL;
}

static void run_feed(struct run *run, const char *bytes, size_t len)
{
	char *copy = guard_copy(bytes, len), *at = copy;
	struct http1 *p = &run->parser;
	size_t bound = 2 * len + 16, left = len;
	enum http1_event event;
	struct http1_step step;

	while (!run->over) {
		assert_true(bound-- > 0);
		event = http1_feed(p, at, left, &step);
		if (event == HTTP1_MORE)
			break;
		if (event == HTTP1_ROOM) {
			assert_null(p->line);
			p->line = run->line;
			p->line_cap = sizeof(run->line);
		} else {
			run_event(run, event, step.used);
		}
		run->fed += step.used;
		at += step.used;
		left -= step.used;
	}
	run->fed += left;
	guard_free(copy, len);
}

static void run_end(struct run *run)
{
	if (!run->over && http1_eof(&run->parser))
		run_note(run, HTTP1_END, 0);
}

static bool same_said(const struct said *a, const struct said *b)
{
	return a->event == b->event && a->at == b->at && a->status == b->status && a->minor == b->minor &&
	       a->is_head == b->is_head && a->is_connect == b->is_connect &&
	       a->keep_alive == b->keep_alive && a->upgrade == b->upgrade &&
	       a->expect_continue == b->expect_continue && a->body == b->body &&
	       a->content_length == b->content_length && a->body_bytes == b->body_bytes &&
	       a->head_bytes == b->head_bytes;
}

/* Index of the first thing that two runs do not say alike; -1: there is none. */
static int runs_differ(const struct run *a, const struct run *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (!same_said(&a->said[i], &b->said[i]))
			return (int)i;
	return a->count == b->count ? -1 : (int)(a->count < b->count ? a->count : b->count);
}

static void expect_same(const struct stream *s, const struct run *quiet, const struct run *loud, size_t a, size_t b)
{
	int at = runs_differ(quiet, loud);

	if (at >= 0)
		fail_msg("%s: split at %zu and %zu: event %d (of %zu) is %d at %zu, not %d at %zu (of %zu)", s->name, a, b,
			 at, quiet->count, (int)quiet->said[at].event, quiet->said[at].at, (int)loud->said[at].event,
			 loud->said[at].at, loud->count);
}

static void run_pieces(struct run *run, const struct stream *s, bool quiet, size_t a, size_t b)
{
	run_begin(run, s, quiet);
	run_feed(run, s->bytes, a);
	run_feed(run, s->bytes + a, b - a);
	run_feed(run, s->bytes + b, s->len - b);
	run_end(run);
}

static void check_quiet(const struct stream *s)
{
	static struct run loud, quiet;

	run_pieces(&loud, s, false, s->len, s->len);
	for (size_t a = 0; a <= s->len; a++) {
		run_pieces(&quiet, s, true, a, a);
		expect_same(s, &quiet, &loud, a, a);
		for (size_t b = a + 1; s->len <= STREAM_SHORT && b <= s->len; b++) {
			run_pieces(&quiet, s, true, a, b);
			expect_same(s, &quiet, &loud, a, b);
		}
	}
	run_begin(&quiet, s, true);
	for (size_t i = 0; i < s->len; i++)
		run_feed(&quiet, s->bytes + i, 1);
	run_end(&quiet);
	expect_same(s, &quiet, &loud, 1, 1);
}

#define check_table(table) \
	do { \
		for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++) \
			check_quiet(&(table)[i_]); \
	} while (0)

static void test_good(void **state)
{
	(void)state;
	check_table(requests);
	check_table(chunked);
	check_table(responses);
}

/* What could be framed in two ways is as bad without a word as with many. */
static void test_bad_framing(void **state)
{
	(void)state;
	check_table(first_lines);
	check_table(lengths);
	check_table(codings);
	check_table(chunks);
}

/* Broken lines may pass, but the message is the one that began, and what is BAD stays so. */
static void test_bad_lines(void **state)
{
	static struct run quiet, loud;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		run_pieces(&loud, &lines[i], false, 0, 0);
		for (size_t a = 0; a <= lines[i].len; a++) {
			run_pieces(&quiet, &lines[i], true, a, a);
			assert_true(quiet.count >= 2);
			assert_true(same_said(&quiet.said[0], &loud.said[0]));
			assert_true(same_said(&quiet.said[1], &loud.said[1]));
			assert_true(!quiet.over || quiet.said[quiet.count - 1].event == HTTP1_BAD);
		}
	}
}

/* The same headers as plain lines look like, and as they do not: each must be found where it stands. */
static void test_every_place(void **state)
{
	static const char *const framing[] = {
		"Content-Length: 3\r\n", "content-length:3\r\n", "Transfer-Encoding: chunked\r\n",
		"TRANSFER-ENCODING:chunked\r\n", "Connection: close\r\n", "cONNECTION:x, Close\r\n",
	};
	static const char *const plain[] = {
		"", "A: b\r\n", "Cache-Control: no\r\n", "C:\r\n", "Content-Type: a\r\n", "T: c\r\n", "Trailer: content-length:\r\n",
		"Connectio: close\r\n", "Connection-: close\r\n", "Content-Lengt: 99\r\n", "Content-Lengthy: 99\r\n",
		"E: Content-Length: 9\r\n", "Upgrade-: x\r\n", "Expected: 1\r\n", "U:\r\n", "Date: \t\r\n",
	};
	char bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		for (size_t k = 0; k < sizeof(framing) / sizeof(framing[0]); k++) {
			struct stream s = { .name = bytes, .role = RES, .bytes = bytes, .asks = "" };

			s.len = (size_t)snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 OK\r\n%s%s%s\r\n3\r\n123\r\n0\r\n\r\nHTTP/1.",
						 plain[i], framing[k], plain[(i + 1) % (sizeof(plain) / sizeof(plain[0]))]);
			check_quiet(&s);
		}
	}
}

/* Lines that are passed over count all the same: so many of them, so many bytes of head. */
static void test_limits(void **state)
{
	static char bytes[HTTP1_HEAD_MAX + 256];
	static const struct {
		int lines, width;
	} heads[] = {
		{ HTTP1_HEADERS_MAX, 8 }, { HTTP1_HEADERS_MAX + 1, 8 }, { 64, 1024 }, { 63, 1038 }, { 64, 1023 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct stream s = { .name = "limits", .role = RES, .bytes = bytes, .asks = "" };
		static struct run loud, quiet;

		s.len = (size_t)snprintf(bytes, sizeof(bytes), "HTTP/1.1 204 OK\r\n");
		for (int k = 0; k < heads[i].lines; k++)
			s.len += (size_t)snprintf(bytes + s.len, sizeof(bytes) - s.len, "A: %0*d\r\n", heads[i].width - 5, 1);
		s.len += (size_t)snprintf(bytes + s.len, sizeof(bytes) - s.len, "\r\n");
		run_pieces(&loud, &s, false, s.len, s.len);
		run_pieces(&quiet, &s, true, s.len, s.len);
		expect_same(&s, &quiet, &loud, s.len, s.len);
		run_pieces(&quiet, &s, true, s.len / 2, s.len - 3);
		expect_same(&s, &quiet, &loud, s.len / 2, s.len - 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits), cmocka_unit_test(test_good), cmocka_unit_test(test_bad_framing),
		cmocka_unit_test(test_bad_lines), cmocka_unit_test(test_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
