/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A carry/ that decides nothing: it writes down what the hooks report, and answers what a test told
 * it.
 */
#include "stub_carry.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"

_Atomic int carry_state;
static _Atomic uint32_t alive = 1;
_Atomic uint32_t *carry_alive = &alive;
AGENT_TLS struct carry_thread carry_self;
struct carry_slot *_Atomic carry_pages[CARRY_PAGES];

char stub_log[16384];
struct stub_plan stub_plan;

void stub_say(const char *format, ...)
{
	size_t at = strlen(stub_log);
	va_list list;

	if (at)
		at += (size_t)snprintf(stub_log + at, sizeof(stub_log) - at, "; ");
	va_start(list, format);
	vsnprintf(stub_log + at, sizeof(stub_log) - at, format, list);
	va_end(list);
}

/* A carry function that needs the guard was called. */
#define GUARDED(...)                                   \
	do {                                           \
		assert_int_equal(carry_self.inside, 1); \
		stub_say(__VA_ARGS__);                 \
		errno = EXFULL;                        \
	} while (0)
#define FREE(...)              \
	do {                   \
		stub_say(__VA_ARGS__); \
		errno = EXFULL; \
	} while (0)

bool carry_enter_slow(void)
{
	return true;
}

int carry_start(const struct carry_options *options)
{
	(void)options;
	return 0;
}

void carry_fork_parent(void)
{
}

void carry_fork_child(void)
{
}

void carry_vfork(void)
{
	stub_say("vfork");
}

void carry_seal(void)
{
	stub_say("seal");
}

void carry_socket(int fd, int domain, int type)
{
	GUARDED("socket %d %d %d", fd, domain, type);
}

void carry_made(int fd)
{
	GUARDED("made %d", fd);
}

void carry_listening(int fd)
{
	GUARDED("listening %d", fd);
}

void carry_accepted(int fd, const struct sockaddr *peer, size_t peer_len)
{
	GUARDED("accepted %d family %d len %zu", fd, peer ? peer->sa_family : -1, peer_len);
}

void carry_connecting(int fd, const struct sockaddr *peer, size_t peer_len, int result)
{
	GUARDED("connecting %d family %d len %zu: %d", fd, peer ? peer->sa_family : -1, peer_len, result);
}

void carry_closing(int fd)
{
	GUARDED("closing %d", fd);
}

void carry_closing_range(unsigned int first, unsigned int last)
{
	GUARDED("closing %u to %u", first, last);
}

void carry_duplicated(int fd, int fresh)
{
	GUARDED("duplicated %d to %d", fd, fresh);
}

void carry_shut(int fd, int how)
{
	GUARDED("shut %d %d", fd, how);
}

/* ---- bytes ---- */

static void bytes_of(char *out, size_t cap, const struct iovec *iov, int count, size_t n)
{
	size_t at = 0;

	for (int i = 0; i < count && n; i++) {
		size_t len = iov[i].iov_len < n ? iov[i].iov_len : n;

		assert_true(at + len < cap);
		memcpy(out + at, iov[i].iov_base, len);
		at += len;
		n -= len;
	}
	out[at] = 0;
}

void carry_received(uint64_t connection, const struct iovec *iov, int iovcnt, size_t n)
{
	char bytes[256];

	bytes_of(bytes, sizeof(bytes), iov, iovcnt, n);
	GUARDED("received %d \"%s\"", (int)connection, bytes);
}

void carry_received_unseen(uint64_t connection, size_t n)
{
	GUARDED("received %d unseen %zu", (int)connection, n);
}

static void plan_texts(struct carry_plan *plan, const char *const *texts, size_t count)
{
	plan->iovcnt = 0;
	for (size_t i = 0; i < count && texts[i]; i++)
		plan->iov[plan->iovcnt++] = (struct iovec){ (void *)(uintptr_t)texts[i], strlen(texts[i]) };
}

void carry_sending(struct carry_plan *plan, uint64_t connection, const struct iovec *iov, int iovcnt, int flags)
{
	char bytes[256];

	bytes_of(bytes, sizeof(bytes), iov, iovcnt, SIZE_MAX);
	GUARDED("sending %d \"%s\"%s", (int)connection, bytes, flags & CARRY_SEND_FIXED ? " fixed" : "");
	memset(plan, 0, sizeof(*plan));
	plan->planned = !stub_plan.refuse;
	plan_texts(plan, stub_plan.text, ARRAY_SIZE(stub_plan.text));
	if (stub_plan.before_sent)
		stub_plan.before_sent();
}

/* Settles also when the agent went off in between: no guard can be had then. */
ssize_t carry_sent(struct carry_plan *plan, ssize_t result)
{
	ssize_t answer = stub_plan.answer[stub_plan.answered];

	assert_true(plan->planned);
	assert_int_equal(carry_self.inside, carry_state == CARRY_ON);
	stub_plan.answered++;
	stub_say("sent %zd", result);
	errno = EXFULL;
	return answer ? answer : result;
}

void carry_flushing(struct carry_plan *plan, uint64_t connection)
{
	GUARDED("flushing %d", (int)connection);
	memset(plan, 0, sizeof(*plan));
	if (!stub_plan.owed)
		return;
	plan->planned = true;
	plan_texts(plan, &stub_plan.owed, 1);
}

void carry_sent_unseen(uint64_t connection, size_t n)
{
	GUARDED("sent %d unseen %zu", (int)connection, n);
}

bool carry_edits(uint64_t connection)
{
	(void)connection;
	return true;
}

void carry_stop(void)
{
	stub_say("stop");
}

void carry_answered(uint64_t connection, const struct iovec *iov, int iovcnt, size_t n)
{
	char bytes[256];

	bytes_of(bytes, sizeof(bytes), iov, iovcnt, n);
	GUARDED("answered %d \"%s\"", (int)(connection & 0xff), bytes);
	errno = EXFULL;
}

void carry_missed(uint64_t connection)
{
	stub_say("missed %d", (int)connection);
}

/* ---- waiting ---- */

static uint64_t owned;

void stub_own(int fd)
{
	owned |= 1ull << fd;
}

_Atomic bool carry_serving;

void carry_wait_begins(int timeout_ms)
{
	stub_say("begins %d", timeout_ms);
}

void carry_woken(int ready, int timeout_ms, enum carry_wait wait)
{
	const char *const names[] = {
		[CARRY_WAIT_MANY] = "many",
		[CARRY_WAIT_ONE] = "one",
		[CARRY_WAIT_CALL] = "call",
		[CARRY_WAIT_OWN] = "own",
	};

	GUARDED("woken %d %d %s", ready, timeout_ms, names[wait]);
}

void carry_registered(int fd)
{
	GUARDED("registered %d", fd);
}

bool carry_own(int fd)
{
	return fd >= 0 && fd < 64 && owned >> fd & 1;
}

void carry_waiting(bool brief)
{
	GUARDED("waiting%s", brief ? " briefly" : "");
}

/* ---- threads ---- */

void carry_thread_snapshot(struct carry_snapshot *snapshot, uintptr_t routine)
{
	snapshot->record = 42;
	snapshot->routine = routine;
	GUARDED("snapshot");
}

void carry_thread_adopt(const struct carry_snapshot *snapshot)
{
	GUARDED("adopt %d", (int)snapshot->record);
}

void carry_thread_dropped(const struct carry_snapshot *snapshot)
{
	GUARDED("dropped %d", (int)snapshot->record);
}

void carry_thread_exit(void)
{
	GUARDED("exit");
}

/* ---- base/clock.h: it is ten o'clock, and the machine runs since a minute ---- */

uint64_t clock_monotonic(void)
{
	return 60ull * 1000000000;
}

uint64_t clock_realtime(void)
{
	return 1700000000ull * 1000000000;
}
