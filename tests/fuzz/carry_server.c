/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server connections: anything may come in, in any pieces, and anything may be answered, at any time,
 * seen or not. Nothing is ever written there; what counts is that no stream, however broken, makes the
 * agent fall over, believe in a request that is gone, or keep an object of its own.
 */
#include "tests/fuzz/carry_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer leaves, or the part of it that the kernel takes; in two pieces. */
static void step_answer(struct input *in, int fd)
{
	struct iovec bytes = input_bytes(in), iov[2];
	size_t cut = input_number(in), n = input_number(in);
	char *copy;

	if (!bytes.iov_len || !carry_watch(fd))
		return;
	copy = guard_copy(bytes.iov_base, bytes.iov_len);
	cut = cut < bytes.iov_len ? cut : bytes.iov_len;
	n = n < 0xc0 && n < bytes.iov_len ? n : bytes.iov_len;
	iov[0] = (struct iovec){ copy, cut };
	iov[1] = (struct iovec){ copy + cut, bytes.iov_len - cut };
	carry_answered(carry_watch(fd), iov, 2, n);
	guard_free(copy, bytes.iov_len);
}

static void step_life(struct input *in, int fd)
{
	int other = FD_FIRST + (input_number(in) & (FD_COUNT - 1));

	switch (input_number(in) & 7) {
	case 0:
		carry_closing(fd);
		open_server(fd);
		return;
	case 1:
		carry_duplicated(fd, other);
		return;
	case 2:
		carry_shut(fd, SHUT_WR);
		return;
	case 3:
		carry_shut(fd, SHUT_RD);
		return;
	case 4:
		carry_closing(fd);
		return;
	case 5:
		carry_missed(carry_watch(fd));
		return;
	case 6:
		carry_closing_range((unsigned int)fd, (unsigned int)fd + 1);
		return;
	default:
		carry_listening(fd);
	}
}

/* The program works on: what it does next is caused by a request that is alive, or by none. */
static void step_call(void)
{
	send_text(FD_OTHER, CALL);
	receive_text(FD_OTHER, ANSWER);
}

static void step_wait(struct input *in)
{
	uint8_t how = input_number(in);
	struct carry_snapshot snapshot;

	switch (how & 3) {
	case 0:
		carry_waiting(how & 4);
		return;
	case 1:
		carry_wait_begins((int)(how >> 4) - 1);
		carry_woken(how >> 2 & 3, (int)(how >> 4) - 1, CARRY_WAIT_MANY);
		return;
	case 2:
		carry_woken(1, -1, how & 4 ? CARRY_WAIT_ONE : CARRY_WAIT_OWN);
		return;
	default:
		carry_thread_snapshot(&snapshot, 0x1000);
		carry_thread_dropped(&snapshot);
	}
}

static void step(struct input *in)
{
	uint8_t what = input_number(in);
	int fd = FD_FIRST + (what >> 6 & (FD_COUNT - 1));

	switch (what & 15) {
	case 0 ... 5:
		receive(fd, input_bytes(in));
		return;
	case 6 ... 9:
		step_answer(in, fd);
		return;
	case 10:
		carry_received(carry_watch(fd), NULL, 0, 0);
		return;
	case 11:
		carry_received_unseen(carry_watch(fd), input_number(in));
		return;
	case 12:
		carry_sent_unseen(carry_watch(fd), input_number(in));
		return;
	case 13:
		step_life(in, fd);
		return;
	case 14:
		step_call();
		return;
	default:
		step_wait(in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	agent_start();
	for (int fd = FD_FIRST; fd < FD_FIRST + FD_COUNT; fd++)
		open_server(fd);
	open_client(FD_OTHER);
	for (int steps = 0; in.at < in.end && steps < 200; steps++)
		step(&in);
	carry_closing_range(FD_FIRST, FD_OTHER);
	take_stock();
	return 0;
}
