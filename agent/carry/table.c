/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: which connection a number stands for now. Two levels, so that a program with a
 * million descriptors costs what it uses. An entry is a hint that the next close, dup2 or accept
 * replaces; the connection itself is counted, because dup'ed numbers share one stream (hazard E2).
 */
#include "carry/private.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/sys.h"

struct carry_slot *_Atomic carry_pages[CARRY_PAGES];

#define SLOTS (1u << CARRY_PAGE_BITS)

static struct carry_slot *table_make(int fd)
{
	unsigned int n = (unsigned int)fd;
	struct carry_slot *none = NULL, *page;

	if (n >= CARRY_PAGES * SLOTS)
		return NULL;
	page = atomic_load_explicit(&carry_pages[n / SLOTS], memory_order_acquire);
	if (page)
		return &page[n % SLOTS];
	if (process.sealed || !(page = sys_map(SLOTS * sizeof(*page), -1, 0))) {
		count(COUNTER_TABLE_FULL);
		return NULL;
	}
	/* release pairs with the acquire loads: the page is zero before it is seen */
	if (!atomic_compare_exchange_strong_explicit(&carry_pages[n / SLOTS], &none, page,
						     memory_order_acq_rel, memory_order_acquire)) {
		sys_unmap(page, SLOTS * sizeof(*page));
		page = none;
	}
	return &page[n % SLOTS];
}

/* The slot is emptied first: nobody can find the connection through it while it ends. */
static void table_clear(struct carry_slot *slot)
{
	uint64_t handle = atomic_exchange_explicit(&slot->connection, 0, memory_order_acq_rel);

	atomic_store_explicit(&slot->birth, 0, memory_order_relaxed);
	if (handle > CARRY_EVENT)
		connection_unname(handle);
}

static void table_set(struct carry_slot *slot, uint64_t connection)
{
	table_clear(slot);
	atomic_store_explicit(&slot->birth, carry_self.current, memory_order_relaxed);
	atomic_store_explicit(&slot->connection, connection, memory_order_release);
}

void carry_socket(int fd, int domain, int type)
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	bool stream = kind == SOCK_STREAM &&
		      (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX);
	struct carry_slot *slot = stream || carry_self.current ? table_make(fd) : carry_find(fd);

	if (slot)
		table_set(slot, stream ? CARRY_STREAM : 0);
}

void carry_made(int fd)
{
	/* only worth a page when there is something to remember, or something to forget */
	struct carry_slot *slot = carry_self.current ? table_make(fd) : carry_find(fd);

	if (slot)
		table_set(slot, 0);
}

void carry_registered(int fd)
{
	struct carry_slot *slot = table_make(fd);
	uint64_t none = 0;

	if (slot)
		atomic_compare_exchange_strong(&slot->connection, &none, CARRY_EVENT);
}

bool carry_own(int fd)
{
	const struct carry_slot *slot = carry_find(fd);

	return slot && carry_self.current &&
	       atomic_load_explicit(&slot->birth, memory_order_relaxed) == carry_self.current;
}

void carry_accepted(int fd, const struct sockaddr *peer, size_t peer_len)
{
	struct carry_slot *slot = table_make(fd);
	struct peer from;
	struct connection *c;

	thread_touch(NULL, TIER_NONE, RULE_NONE);
	if (!slot)
		return;
	peer_set(&from, peer, peer_len);
	c = connection_new(CONNECTION_SERVER, &from);
	table_set(slot, c ? connection_handle(c) : 0);
}

/*
 * Under which request a connection is made counts only for a connection that serves one request
 * (R8), and only when that request is the sole one that can be behind this call.
 */
static uint64_t table_birth(void)
{
	struct request *r = thread_current();
	uint64_t birth = 0;

	if (!r)
		return 0;
	if (thread_sole(r)) {
		birth = pool_handle(r);
		request_explain(r);
		/* and for good, as long as this program makes a connection for each request */
		if (!atomic_load_explicit(&process.pooled_calls, memory_order_relaxed))
			request_release(r);
	}
	request_drop(r);
	return birth;
}

void carry_connecting(int fd, const struct sockaddr *peer, size_t peer_len, int result)
{
	struct carry_slot *slot = carry_find(fd);
	uint64_t made_under;
	struct connection *c;
	struct peer to;

	if (!slot || atomic_load_explicit(&slot->connection, memory_order_relaxed) != CARRY_STREAM)
		return;
	if (result && result != -EINPROGRESS && result != -EINTR)
		return;
	peer_set(&to, peer, peer_len);
	c = connection_new(CONNECTION_CLIENT, &to);
	if (!c)
		return;
	c->birth = table_birth();
	made_under = atomic_load_explicit(&slot->birth, memory_order_relaxed);
	table_set(slot, connection_handle(c));
	atomic_store_explicit(&slot->birth, made_under, memory_order_relaxed);
}

void carry_closing(int fd)
{
	struct carry_slot *slot = carry_find(fd);

	if (slot)
		table_clear(slot);
}

void carry_closing_range(unsigned int first, unsigned int last)
{
	if (last >= CARRY_PAGES * SLOTS)
		last = CARRY_PAGES * SLOTS - 1;
	for (uint64_t n = first; n <= last; n++) {
		/* whole pages that were never used are skipped at once */
		if (!atomic_load_explicit(&carry_pages[n / SLOTS], memory_order_acquire)) {
			n |= SLOTS - 1;
			continue;
		}
		carry_closing((int)n);
	}
}

void carry_duplicated(int fd, int fresh)
{
	struct carry_slot *from = carry_find(fd);
	uint64_t handle = from ? atomic_load_explicit(&from->connection, memory_order_acquire) : 0;
	struct carry_slot *to = handle ? table_make(fresh) : carry_find(fresh);

	if (!to) {
		/* bytes will pass under a number that we cannot know */
		if (handle > CARRY_EVENT)
			carry_missed(handle);
		return;
	}
	table_set(to, handle > CARRY_EVENT && connection_name(handle) ? handle : 0);
	/* an unconnected socket under two numbers: a connect() on one would not show on the other
	 */
	if (handle == CARRY_STREAM)
		atomic_store(&from->connection, 0);
}
