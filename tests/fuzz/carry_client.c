/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client connections: a program that sends anything in any pieces, a kernel that takes any part of it,
 * answers that come at any time. What arrives must be the program's bytes with whole texts of ours
 * between them, and the program must be told of its own bytes only. The model knows nothing of HTTP:
 * a byte is ours if it does not lie in the program's buffer.
 *
 * Two senders at once on one connection are not tried here: see tests/unit/carry_senders.c.
 */
#include "tests/fuzz/carry_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What a connection owes: the rest of a text of ours whose beginning has left. */
struct model {
	char owed[16384];
	size_t owed_len;
	char last;			/* the program's last byte that left */
};

static struct model models[FD_COUNT];

static bool in_buffer(const char *at, const struct iovec *call)
{
	const char *begin = call->iov_base;

	return call->iov_len && at >= begin && at < begin + call->iov_len;
}

/* Nothing in the place of a second traceparent: all of its line goes. */
static void check_cut(const struct model *m, const struct carry_edit *e, const struct iovec *call)
{
	const char *line = (const char *)call->iov_base + e->at;

	CHECK(e->cut > 12 && !strncasecmp(line, "traceparent:", 12));
	CHECK((e->at ? line[-1] : m->last) == '\n');
	CHECK(memchr(line, '\n', e->cut) == line + e->cut - 1);
}

/* A text of ours: whole header lines in front of a blank line, or a value in place of another. */
static void check_edit(const struct model *m, const struct carry_edit *e, const struct iovec *call)
{
	const char *bytes = call->iov_base;
	size_t lines = 0;

	CHECK(e->at < call->iov_len && e->at + e->cut <= call->iov_len);
	if (!e->len) {
		check_cut(m, e, call);
		return;
	}
	for (size_t i = 0; i < e->len; i++) {
		CHECK(e->text[i] != 0);
		lines += e->text[i] == '\n';
		CHECK(e->text[i] != '\n' || (i && e->text[i - 1] == '\r'));
	}
	/* a value may be empty */
	if (e->cut || !lines) {
		CHECK(!lines && (e->at ? bytes[e->at - 1] : m->last) != '\n');
		return;
	}
	CHECK(e->text[e->len - 1] == '\n');
	CHECK(bytes[e->at] == '\r');
	CHECK((e->at ? bytes[e->at - 1] : m->last) == '\n');
}

/** A plan's bytes, laid out by the model's own rules: ours or the program's, one by one. */
struct layout {
	size_t len;			/* bytes on the wire when all of it leaves */
	size_t app[65536];		/* program's bytes that count as sent when so many have left */
	char bytes[65536];
	bool ours[65536];
};

static struct layout layout;

static void put(char byte, bool ours, size_t app)
{
	CHECK(layout.len < sizeof(layout.bytes) - 1);
	layout.bytes[layout.len] = byte;
	layout.ours[layout.len] = ours;
	layout.app[++layout.len] = app;
}

/* What must leave for @call, from the edits alone; then the iovecs must say the same. */
static void lay_out(const struct model *m, const struct carry_plan *plan, const struct iovec *call)
{
	const char *bytes = call->iov_base;
	size_t app = 0, at = 0;

	layout.len = 0;
	layout.app[0] = 0;
	for (size_t i = 0; i < m->owed_len; i++)
		put(m->owed[i], true, 0);
	for (unsigned int k = 0; k < plan->edits; k++) {
		const struct carry_edit *e = &plan->edit[k];

		check_edit(m, e, call);
		CHECK(e->at >= app);
		for (; app < e->at; app++)
			put(bytes[app], false, app + 1);
		app += e->cut;
		for (size_t i = 0; i < e->len; i++)
			put(e->text[i], true, app);
	}
	for (; app < plan->total; app++)
		put(bytes[app], false, app + 1);
	for (int i = 0; i < plan->iovcnt; i++)
		for (size_t k = 0; k < plan->iov[i].iov_len; k++, at++) {
			const char *byte = (const char *)plan->iov[i].iov_base + k;

			CHECK(at < layout.len && *byte == layout.bytes[at]);
			CHECK(in_buffer(byte, call) == !layout.ours[at]);
		}
	CHECK(at == layout.len);
}

/* @left bytes of the layout have left for good. */
static void settle(struct model *m, size_t left)
{
	size_t end = left;

	for (size_t i = 0; i < left; i++)
		if (!layout.ours[i])
			m->last = layout.bytes[i];
	/* a text that has begun must be ended; one that has not may still be planned anew */
	if (left ? !layout.ours[left - 1] : !m->owed_len)
		end = left;
	else
		while (end < layout.len && layout.ours[end] && layout.app[end + 1] == layout.app[left ? left : 1])
			end++;
	CHECK(end - left <= sizeof(m->owed));
	memmove(m->owed, layout.bytes + left, end - left);
	m->owed_len = end - left;
}

/* What the kernel takes of @offered bytes: 0 is EAGAIN. */
static size_t take(struct input *in, size_t offered)
{
	uint8_t n = input_number(in);

	if (n >= 0xe0)
		return offered;
	return n < offered ? n : offered;
}

static void between(struct input *in, int fd)
{
	uint8_t what = input_number(in);

	if (what & 1)
		receive(fd, input_bytes(in));
	if (what & 2)
		carry_received(carry_watch(fd), NULL, 0, 0);
}

static ssize_t run_plan(struct input *in, struct carry_plan *plan, size_t *left)
{
	ssize_t result;

	*left = 0;
	do {
		size_t n = take(in, layout.len - *left);

		*left += n;
		result = carry_sent(plan, n ? (ssize_t)n : -EAGAIN);
		CHECK(result != CARRY_AGAIN || (n && !layout.app[*left]));
	} while (result == CARRY_AGAIN);
	return result;
}

/* One call of the program's, cut into iovecs; its bytes end at a page nobody may touch. */
static void step_send(struct input *in, int fd, int flags)
{
	struct model *m = &models[fd - FD_FIRST];
	struct iovec bytes = input_bytes(in), call = bytes, iov[4];
	uint8_t cuts = input_number(in);
	struct carry_plan plan;
	size_t done = 0, left;
	ssize_t result;

	call.iov_base = guard_copy(bytes.iov_base, bytes.iov_len);
	for (int i = 0; i < 4; i++) {
		size_t here = i < 3 ? (size_t)(cuts >> (2 * i) & 3) * 5 : call.iov_len;

		if (here > call.iov_len - done)
			here = call.iov_len - done;
		iov[i] = (struct iovec){ (char *)call.iov_base + done, here };
		done += here;
	}
	carry_sending(&plan, carry_watch(fd), iov, 4, flags);
	if (!call.iov_len) {
		CHECK(!plan.planned);
		goto out;
	}
	if (!plan.planned || !plan.iovcnt) {
		CHECK(!m->owed_len);
		plan.edits = 0;
		plan.total = call.iov_len;
		plan.iovcnt = 1;
		plan.iov[0] = call;
		lay_out(m, &plan, &call);
		plan.iovcnt = 0;
	} else {
		CHECK(flags == CARRY_SEND_PLAIN || !plan.edits);
		lay_out(m, &plan, &call);
	}
	between(in, fd);
	if (plan.planned) {
		result = run_plan(in, &plan, &left);
		CHECK(result == (ssize_t)layout.app[left] || (!layout.app[left] && result == -EAGAIN));
		CHECK(result <= (ssize_t)call.iov_len);
	} else {
		left = take(in, layout.len);
	}
	settle(m, left);
out:
	guard_free(call.iov_base, call.iov_len);
}

static void step_flush(struct input *in, int fd)
{
	struct model *m = &models[fd - FD_FIRST];
	struct iovec none = { NULL, 0 };
	struct carry_plan plan;
	size_t left;

	carry_flushing(&plan, carry_watch(fd));
	CHECK(plan.planned == (m->owed_len != 0));
	if (!plan.planned)
		return;
	lay_out(m, &plan, &none);
	run_plan(in, &plan, &left);
	settle(m, left);
}

static void step_open(int fd)
{
	carry_closing(fd);
	models[fd - FD_FIRST] = (struct model){ .last = '\n' };
	open_client(fd);
}

static void step(struct input *in)
{
	uint8_t what = input_number(in);
	int fd = FD_FIRST + (what >> 6 & (FD_COUNT - 1));

	switch (what & 15) {
	case 0 ... 7:
		step_send(in, fd, CARRY_SEND_PLAIN);
		return;
	case 8:
		step_send(in, fd, CARRY_SEND_FIXED);
		return;
	case 9:
	case 10:
		receive(fd, input_bytes(in));
		return;
	case 11:
		carry_received_unseen(carry_watch(fd), input_number(in));
		return;
	case 12:
		step_flush(in, fd);
		if (!models[fd - FD_FIRST].owed_len)
			carry_sent_unseen(carry_watch(fd), input_number(in));
		return;
	case 13:
		carry_received(carry_watch(fd), NULL, 0, 0);
		return;
	case 14:
		step_open(fd);
		return;
	default:
		/* a request comes in, or the thread waits */
		carry_waiting(false);
		receive(FD_OTHER, input_bytes(in));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	agent_start();
	for (int fd = FD_FIRST; fd < FD_FIRST + FD_COUNT; fd++)
		step_open(fd);
	open_server(FD_OTHER);
	receive_text(FD_OTHER, "GET /a HTTP/1.1\r\ntraceparent: 00-" TRACE "-00f067aa0ba902b7-01\r\n\r\n");
	for (int steps = 0; in.at < in.end && steps < 200; steps++)
		step(&in);
	for (int fd = FD_FIRST; fd < FD_FIRST + FD_COUNT; fd++)
		carry_closing(fd);
	carry_closing(FD_OTHER);
	take_stock();
	return 0;
}
