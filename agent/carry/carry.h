/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who carries which context over which boundary. hooks/ reports facts here and executes the plans
 * that come back; nothing in this room calls libc I/O or knows a hook.
 *
 * Every function but the inline ones must be called with the guard held (WITH_AGENT in
 * hooks/hook.h), never around the program's own call. Descriptors are the program's. Errors are
 * negative errnos. Context: any thread; not from a signal handler that interrupted the agent (the
 * guard sees to that).
 */
#ifndef CARRY_CARRY_H
#define CARRY_CARRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/compiler.h"

struct sockaddr;
struct config;

/* ---- the guard and the state of a thread ---- */

enum carry_state {
	CARRY_OFF, /* not started, disabled, or switched off for good: every hook passes through */
	CARRY_ON,
};

/** Process-wide, read on every hook. `alive` lies in a page that the kernel wipes in every fork's
 * child. */
extern _Atomic int carry_state;
extern _Atomic uint32_t *carry_alive;

/** All of the agent's thread-local storage (<= 256 bytes, initial-exec). */
struct carry_thread {
	uint32_t inside;   /* the guard */
	int32_t vfork_tid; /* this thread called vfork: whoever has another tid is its child */
	uint64_t current;  /* record handle of what this stack works for; 0: nothing is known */
	uint8_t tier;      /* enum record_tier of `current` */
	uint8_t rule;      /* number of the causality rule that set it */
	bool provisional;  /* inherited at creation: dropped at the first wait for work (R4) */
	bool lone;         /* the last wake delivered one event, and nothing else was pending */
	bool looping;      /* the last switch point was a wake: this is an event loop's thread */
	bool waited;       /* this thread has waited for work at least once */
	uint64_t now_ns;   /* CLOCK_MONOTONIC when this thread last read it */
	uint64_t timer_due_ns;     /* no timer of this loop can have run before */
	uint64_t generation;       /* process generation that `block` and `current` belong to */
	struct carry_block *block; /* the rest: random state, ring writer */
	uint32_t once;      /* inside pthread_once() and the like: what starts here is nobody's */
	uintptr_t routine;  /* start routine, for pool recognition; 0: unknown */
	uint64_t inherited; /* handle whose reference this thread holds since its creation */
};

extern AGENT_TLS struct carry_thread carry_self;

/** The slow half of carry_enter(): fork noticed, vfork child, first use. False: stay out. */
bool carry_enter_slow(void);

/** Takes the guard. False: the agent is off, or this thread is inside it already, or must stay out.
 */
static ALWAYS_INLINE bool carry_enter(void)
{
	if (unlikely(carry_state != CARRY_ON || carry_self.inside))
		return false;
	carry_self.inside = 1;
	if (likely(*carry_alive && !carry_self.vfork_tid))
		return true;
	if (carry_enter_slow())
		return true;
	carry_self.inside = 0;
	return false;
}

static ALWAYS_INLINE void carry_leave(void)
{
	carry_self.inside = 0;
}

/* ---- a process's life: hooks/preload.c only ---- */

struct carry_options {
	const struct config *config;
	const char *directory;       /* of the ring files; NULL: record nothing, propagate only */
	const char *executable;      /* short name */
	const char *single_threaded; /* libc's flag of that name, or NULL (base/atomic.h) */
};

/** Starts the agent; carry_state becomes CARRY_ON last. Returns 0 or a negative errno (stays off).
 */
int carry_start(const struct carry_options *options);

/**
 * After fork(), in either process; nothing needs to be done before it: locks name the generation of
 * their holder and pools are lock-free.
 */
void carry_fork_parent(void);
void carry_fork_child(void);

/** This thread is about to call vfork. Needs no guard; touches this thread's flag only. */
void carry_vfork(void);

/** The agent goes off for good: every hook passes through from now on. Needs no guard. */
void carry_stop(void);

/** A seccomp filter was installed: no system call of the agent's own from now on (hazard F1). */
void carry_seal(void);

/* ---- descriptors ---- */

/** What the table says about a descriptor. The handle names a connection and its generation. */
struct carry_slot {
	_Atomic uint64_t
		connection; /* handle of a connection, or CARRY_STREAM, or 0: not ours to watch */
	_Atomic uint64_t birth; /* record that was current when the descriptor was made, or 0 */
};

#define CARRY_STREAM 1ull /* a stream socket that is not connected yet */
#define CARRY_EVENT \
	2ull /* no stream of ours, but an event loop is told of it: reading it is a touch */
/** Set in the handles of accepted connections: what is sent there needs no look beforehand. */
#define CARRY_SERVER (1ull << 31)

#define CARRY_PAGE_BITS 10
#define CARRY_PAGES     1024 /* descriptors up to 2^20 are known; above: passed through */

extern struct carry_slot *_Atomic carry_pages[CARRY_PAGES];

/** Where the table keeps what it knows about @fd; NULL: it knows nothing. Needs no guard. */
static ALWAYS_INLINE struct carry_slot *carry_find(int fd)
{
	unsigned int n = (unsigned int)fd;
	struct carry_slot *page;

	if (unlikely(n >= CARRY_PAGES << CARRY_PAGE_BITS))
		return NULL;
	page = atomic_load_explicit(&carry_pages[n >> CARRY_PAGE_BITS], memory_order_acquire);
	return page ? page + (n & ((1u << CARRY_PAGE_BITS) - 1)) : NULL;
}

/** What it stands for: 0, CARRY_STREAM, CARRY_EVENT, or a connection's handle. */
static ALWAYS_INLINE uint64_t carry_look(int fd)
{
	struct carry_slot *slot = carry_find(fd);

	return slot ? atomic_load_explicit(&slot->connection, memory_order_relaxed) : 0;
}

/** The connection behind @fd, or 0 when its bytes are none of our business. Hot; needs no guard. */
static ALWAYS_INLINE uint64_t carry_watch(int fd)
{
	uint64_t handle = carry_look(fd);

	return handle > CARRY_EVENT ? handle : 0;
}

/** The same for reading: also CARRY_EVENT, because reading that is a touch. */
static ALWAYS_INLINE uint64_t carry_watch_read(int fd)
{
	uint64_t handle = carry_look(fd);

	return handle > CARRY_STREAM ? handle : 0;
}

/** Does the table say anything about @fd? For close(), dup() and connect(). Needs no guard. */
static ALWAYS_INLINE bool carry_known(int fd)
{
	struct carry_slot *slot = carry_find(fd);

	return slot && (atomic_load_explicit(&slot->connection, memory_order_relaxed) ||
			atomic_load_explicit(&slot->birth, memory_order_relaxed));
}

/** socket(): a new descriptor; stream sockets of IP and UNIX families will be watched once
 * connected. */
void carry_socket(int fd, int domain, int type);
/** Any other new descriptor (epoll, eventfd, pipe, socketpair, ...): remembers under which request
 * it was made. */
void carry_made(int fd);
/** epoll_ctl(EPOLL_CTL_ADD) succeeded for @fd. */
void carry_registered(int fd);
/** listen(): this process is a server; its ring is made now, while it still may. */
void carry_listening(int fd);
/** accept(): @peer as the kernel gave it (NULL, 0: unknown). */
void carry_accepted(int fd, const struct sockaddr *peer, size_t peer_len);
/** connect() was called; @result is 0 or the negative errno (EINPROGRESS counts as connecting). */
void carry_connecting(int fd, const struct sockaddr *peer, size_t peer_len, int result);
/** Before close(), and before dup2()/dup3() onto @fd. */
void carry_closing(int fd);
void carry_closing_range(unsigned int first, unsigned int last);
/** @fresh is a duplicate of @fd: one stream, two numbers. */
void carry_duplicated(int fd, int fresh);
/** shutdown() succeeded. @how as in shutdown(2). */
void carry_shut(int fd, int how);

/* ---- bytes that came in ---- */

/**
 * @n bytes (the program's result, > 0) were read from @connection into @iov. 0 is the end of the
 * stream. Not for MSG_PEEK, MSG_OOB or failed calls.
 */
void carry_received(uint64_t connection, const struct iovec *iov, int iovcnt, size_t n);
/** @n bytes were read that nobody could see (splice, MSG_TRUNC). */
void carry_received_unseen(uint64_t connection, size_t n);

/* ---- bytes that go out ---- */

#define CARRY_IOV   72 /* iovecs of an edited call */
#define CARRY_EDITS 16

/** Where the program's bytes change: before offset `at`, leave out `cut` bytes and put `len` of
 * `text`. */
struct carry_edit {
	size_t at;
	uint32_t cut, len;
	const char *text;
	bool lines; /* whole lines of ours; otherwise what takes a value's place */
};

/** State of the outgoing parser, saved so that a short write can be taken back. */
struct carry_outgoing;

/**
 * One outgoing call, from before it to after it; lives on the hook's stack (about 2 KiB).
 *
 * carry_sending() -> if iovcnt > 0 the hook sends `iov[0..iovcnt)` instead of the program's bytes
 * (same flags, control data once), else makes the program's own call -> carry_sent() with the
 * result -> if it says CARRY_AGAIN, send `iov` again. The last value is what the program gets.
 */
struct carry_plan {
	uint64_t connection;
	int iovcnt;
	bool planned; /* carry_sending() accepted it: carry_sent() must follow */
	uint8_t edits;
	uint32_t owed; /* bytes of ours from an earlier short write, in front: */
	const char *owed_text;
	size_t total; /* the program's bytes in this call */
	size_t done;  /* bytes of `iov` that already left in earlier rounds of this call */
	const struct iovec *app; /* the program's own */
	int app_count;
	struct carry_edit edit[CARRY_EDITS];
	struct iovec iov[CARRY_IOV];
	uint64_t saved[32]; /* struct carry_outgoing before this call */
};

enum { CARRY_AGAIN = -2 };

/** May the call be edited? */
enum carry_send_flag {
	CARRY_SEND_PLAIN = 0,
	CARRY_SEND_FIXED = 1, /* no: zero-copy, out-of-band, sendmmsg; parse only */
};

/**
 * False when @connection's bytes pass as they are and nothing is owed: no plan is needed, which is
 * as well on a small stack. Needs no guard.
 */
bool carry_edits(uint64_t connection);

/** For connections that the program made; those it accepted need carry_answered() only. */
void carry_sending(struct carry_plan *plan, uint64_t connection, const struct iovec *iov,
		   int iovcnt, int flags);

/**
 * @result: bytes the kernel took, or a negative errno. Returns the program's result: its own bytes
 * that left, or the same negative errno, or CARRY_AGAIN.
 */
ssize_t carry_sent(struct carry_plan *plan, ssize_t result);

/**
 * Before sendfile()/splice() into @connection: bytes of ours still owed. Fills plan->iov when there
 * are any (send them first, then carry_sent()); otherwise plan->iovcnt is 0 and plan->planned
 * false.
 */
void carry_flushing(struct carry_plan *plan, uint64_t connection);
/** @n bytes went out that nobody could see (sendfile, splice). */
void carry_sent_unseen(uint64_t connection, size_t n);

/** @n bytes of @iov left on an accepted connection (CARRY_SERVER): an answer is read afterwards,
 * never edited. */
void carry_answered(uint64_t connection, const struct iovec *iov, int iovcnt, size_t n);

/** Bytes passed a watched connection while this thread could not enter the agent. Needs no guard.
 */
void carry_missed(uint64_t connection);

/* ---- waiting and waking: switch points ---- */

/** What a thread waits for. */
enum carry_wait {
	CARRY_WAIT_MANY, /* several descriptors, or any that an epoll instance has */
	CARRY_WAIT_ONE,  /* one descriptor: whatever follows concerns it */
	CARRY_WAIT_CALL, /* one descriptor, a connection that this process made (carry_calls()) */
	CARRY_WAIT_OWN,  /* nothing but what this thread made for its current request (carry_own())
			  */
};

/** A wait begins: @timeout_ms < 0 is for ever. Needs no guard. */
void carry_wait_begins(int timeout_ms);
/** epoll_wait, poll, select returned @ready. */
void carry_woken(int ready, int timeout_ms, enum carry_wait wait);
/** True when @fd was made under this thread's current request. Hot; needs no guard. */
bool carry_own(int fd);
/**
 * A thread starts to wait: condition variable, semaphore, accept(). What it carries ends here,
 * unless the wait is @brief: it gives up within CARRY_BRIEF_MS.
 */
void carry_waiting(bool brief);
#define CARRY_BRIEF_MS 10

/** True when @fd is a connection that this process made and that may carry requests. Hot; needs no
 * guard. */
static ALWAYS_INLINE bool carry_calls(int fd)
{
	uint64_t handle = carry_watch(fd);

	return handle && !(handle & CARRY_SERVER);
}

/** True once this process has read a request. */
extern _Atomic bool carry_serving;

/** Hot pre-check of carry_waiting(): is there anything to drop? Needs no guard. */
static ALWAYS_INLINE bool carry_holds(void)
{
	return carry_self.current != 0 || carry_self.provisional ||
	       (carry_self.routine && !carry_self.waited);
}

/** Hot pre-check of carry_wait_begins() and carry_woken(). Needs no guard. */
static ALWAYS_INLINE bool carry_wakes(void)
{
	return carry_serving || carry_holds();
}

/* ---- threads ---- */

/** What a new thread is given; made in the creator, adopted in the child. */
struct carry_snapshot {
	uint64_t record; /* 0: none; otherwise a reference is held for it */
	uint8_t tier;
	uintptr_t routine;
};

/** The creator is about to start @routine. Needs the guard; fills @snapshot always. */
void carry_thread_snapshot(struct carry_snapshot *snapshot, uintptr_t routine);
/** The new thread's first act. */
void carry_thread_adopt(const struct carry_snapshot *snapshot);
/** The thread was not started after all. */
void carry_thread_dropped(const struct carry_snapshot *snapshot);
/** The new thread's last act, also when it is cancelled. */
void carry_thread_exit(void);

#endif
