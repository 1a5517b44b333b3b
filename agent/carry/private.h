/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of carry/ share and nobody else sees: the kinds of objects, and which file does
 * what.
 *
 *     process.c     start, fork, seal; the process's own context; the sampler
 *     thread.c      a thread's block, its current context, switch points, inheritance (R3, R4)
 *     table.c       descriptors -> connections
 *     connection.c  one stream: its life, its parsers' room, what ends with it
 *     record.c      requests that came in: identity, life cycle, claims, who forwards what (R1, R2)
 *     exchange.c    requests that went out: whose they are, and how sure that is (R7, R8)
 *     head.c        what a span keeps of a head
 *     inbound.c     bytes read: requests on server connections, answers on client connections
 *     answer.c      bytes written on server connections (R6, self-audit)
 *     outgoing.c    bytes written on client connections: reading heads, asking for edits
 *     plan.c        edits -> iovecs, and what a short write means
 *     emit.c        finished requests and exchanges -> span records
 */
#ifndef CARRY_PRIVATE_H
#define CARRY_PRIVATE_H

#include "base/atomic.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/pool.h"
#include "base/random.h"
#include "carry/carry.h"
#include "config/config.h"
#include "context/context.h"
#include "proto/http1.h"
#include "record/counter.h"
#include "record/ring.h"
#include "record/span.h"

#define PATH_KEPT_MAX  256 /* bytes of a path that a span names; longer ones are cut */
#define HOST_KEPT_MAX  128
#define AGENT_KEPT_MAX 128
#define HEAD_KEPT_MAX  (HTTP1_METHOD_MAX + PATH_KEPT_MAX + HOST_KEPT_MAX + AGENT_KEPT_MAX)
#define ADDRESS_MAX    108 /* sun_path is the longest */

/** Numbers of the causality rules, as they stand on spans. */
enum rule {
	RULE_NONE = 0,
	RULE_REQUEST = 1,  /* R1: read on a server connection */
	RULE_CREATED = 4,  /* R4: inherited by a new thread */
	RULE_OWNER = 6,    /* R6: written on a server connection */
	RULE_ANSWER = 7,   /* R7: answer read on a client connection */
	RULE_CONNECT = 8,  /* R8: connection made for one request only */
	RULE_PROCESS = 22, /* R22: the process's own context */
	RULE_HEADER =
		31, /* named by the program's own bytes: no number of its own in the rules (3.5) */
};

/** The peer of a connection, as text. */
struct peer {
	uint16_t family; /* AF_*; AF_UNSPEC: unknown */
	uint16_t port;   /* host order; 0: none */
	uint8_t len;
	char text[ADDRESS_MAX];
};

/** A piece of a head's kept text. */
struct piece {
	uint16_t at, len;
};

/** What a span keeps of a head: one text, packed, so that few cache lines are touched. */
struct head {
	uint16_t used;
	uint8_t minor; /* HTTP/1.minor, of the request or of its answer */
	bool is_head, is_connect;
	uint16_t status; /* of the answer; 0: none seen */
	struct piece method, path, host, agent;
	char text[HEAD_KEPT_MAX];
};

enum record_state { RECORD_DRAFT, RECORD_ACTIVE, RECORD_ANSWERED };

/** A request that came in, or the process itself. Counted; the connection holds one reference. */
struct request {
	struct pool_object object;
	_Atomic uint8_t state; /* enum record_state */
	bool root;             /* no remote parent */
	bool sampled;
	uint32_t forks;  /* of the process when it was made: alive across a fork? */
	uint64_t handed; /* generation of the process that forked while working for it; 0: none */
	_Atomic uint32_t in_flight; /* exchanges waiting for an answer */
	_Atomic uint64_t
		claimant; /* handle of the thread block that may take its next step; 0: none */
	_Atomic uint32_t burst; /* of the claimant, when it was claimed; 0: explained since */
	uint64_t start_ns, end_ns;
	uint64_t request_bytes, response_bytes; /* bodies */
	struct span_context remote;             /* the parent's; zero for a root */
	struct span_context link; /* the parent it named and did not get (R1); zero: none */
	struct context context;   /* what goes out: our server span's id */
	struct head head;
};

/** A request that went out. Owned by its connection. */
struct exchange {
	struct pool_object object;
	uint64_t owner; /* handle of the request it belongs to; 0: none known */
	bool held;      /* a reference to owner is held */
	bool decided;   /* parent and span id stand */
	bool carried;   /* our id went out with it */
	bool counted;
	bool sampled;
	uint8_t tier, rule;
	uint32_t forks;
	uint64_t start_ns;
	uint64_t request_bytes, response_bytes;
	struct span_context span; /* its own: a client span */
	uint8_t parent_id[CONTEXT_SPAN_ID_LEN];
	bool parent_remote;
	struct head head;
};

/** Header text of ours on its way. */
struct buffer {
	struct pool_object object;
	char text[2032];
};

/** The same with a large baggage, or a line that was split over two calls: as long as any that we
 * read. */
struct wide_buffer {
	struct pool_object object;
	char text[CONTEXT_BAGGAGE_MAX + 2032];
};

/** Room for a baggage header. */
struct baggage {
	struct pool_object object;
	char text[CONTEXT_BAGGAGE_MAX];
};

#define QUEUE_MAX 32 /* pipelined requests on one connection; more make it opaque */

/** First in, first out: HTTP/1 answers in the order of the requests. */
struct queue {
	uint16_t first, count;
	void *at[QUEUE_MAX];
};

/** State of the outgoing head that a short write must be able to take back. */
struct carry_outgoing {
	struct http1 parser;
	uint32_t present; /* context fields the program's head already has (1 << field) */
	bool inserted;    /* our lines for this head are out, or on their way */
	bool replaced;    /* so is what takes its traceparent's place; the line goes on */
	bool refused;     /* no header of ours in this head */
	uint8_t b3_seen;
	uint32_t pending;          /* absolute number of the next exchange when this was saved */
	struct exchange *exchange; /* whose head is being sent */
};

enum connection_role { CONNECTION_SERVER, CONNECTION_CLIENT };

/** One stream. Counted: one reference per descriptor that names it. */
struct connection {
	struct pool_object object;
	struct lock lock;     /* guards all below but `lost`, and the last reference */
	_Atomic bool lost;    /* bytes passed unseen: opaque at the next look */
	uint32_t descriptors; /* numbers that name it; each holds a reference */
	uint8_t role;
	bool opaque;
	bool used;       /* client: a request went out on it before */
	uint32_t serial; /* counts outgoing calls; odd while one is under way */
	uint64_t birth;  /* client: request under which connect() was called; 0: not known */
	struct peer peer;
	struct http1 in;
	struct carry_outgoing out;
	struct request *draft;   /* server: request whose head is being read */
	struct carrier carrier;  /* of the draft */
	struct request *reading; /* server: request whose body is being read */
	struct request *writing; /* server: request that is being answered */
	struct queue queue;      /* server: requests not answered; client: exchanges not answered */
	uint32_t popped; /* items that left the queue so far: gives each an absolute number */
	struct wide_buffer *in_line, *out_line;
	struct wide_buffer *kept_line; /* holds a line that began before the call under way */
	struct buffer *text;           /* header lines of ours for the heads being sent */
	struct wide_buffer *wide_text; /* ... that are too long for it */
	uint32_t text_len, wide_len;   /* bytes of them in use */
	const char *owed; /* the part of it that must go out before the program's next bytes */
	uint32_t owed_len;
};

/** A thread's own memory. */
struct carry_block {
	struct pool_object object;
	struct random random;
	struct ring_writer writer;
	/*
	 * Requests read here whose next step is not known elsewhere: burst << 32 | those read in
	 * this burst << 16 | all of them.
	 */
	_Atomic uint64_t claims;
	uint32_t tid;
};

#define CLAIM                1ull
#define CLAIM_FRESH          (1ull << 16)
#define CLAIMS_BURST(claims) ((uint32_t)((claims) >> 32))
#define CLAIMS_FRESH(claims) ((uint32_t)(claims) >> 16)
#define CLAIMS_ALL(claims)   ((uint32_t)(claims)&0xffff)

/** What the whole process is. */
struct process {
	struct config config;
	uint32_t propagators;
	uint32_t forks;      /* counts up on both sides of every fork */
	uint64_t generation; /* random, of this process generation */
	uint32_t pid;
	_Atomic bool listening;
	_Atomic bool pooled_calls; /* a request left on a connection that is kept alive */
	_Atomic bool sealed;
	bool has_parent; /* TRACEPARENT was given */
	bool own_sampled;
	struct context own; /* the process's own context: what it starts itself is its child */
	struct context
		pairs_baggage; /* CTXAGENT_CONTEXT, if it is to travel: with every request too */
	char own_baggage_text[CONTEXT_BAGGAGE_MAX];
	char pairs_baggage_text[1024];
	/* copies: what a program keeps in its environment's memory changes (setproctitle) */
	char directory[512];
	char executable[64];
	char service[256];
	char resource[2048];
	char pairs[1024]; /* CTXAGENT_CONTEXT */
};

extern struct process process;

static inline void count(enum counter id)
{
	ring_count((unsigned int)id, 1);
}

/* ---- process.c ---- */

/** Decides whether a new trace with @trace_id is sampled. */
bool process_sample_root(const uint8_t *trace_id);
/** Decides for a trace with a parent that has @flags. */
bool process_sample_child(const uint8_t *trace_id, uint8_t flags);
/** Makes the ring if there is none yet and it may still be made. */
void process_need_ring(void);

/* ---- thread.c ---- */

/** CLOCK_MONOTONIC; remembered as what this thread knows of time. */
uint64_t thread_now(void);
/** This thread's block, made when it is first needed. NULL: no memory, do nothing. */
struct carry_block *thread_block(void);
/** The block that @handle names, with a reference; NULL: its thread is gone. */
struct carry_block *thread_hold(uint64_t handle);
void thread_drop(struct carry_block *block);
/** This stack works for @r from now on (NULL: for nothing known). */
void thread_set(const struct request *r, enum record_tier tier, enum rule rule);
/** The request this stack works for, with a reference for the caller; NULL: not known, or gone. */
struct request *thread_current(void);
/** Another descriptor's request was touched: keeps `lone` honest. */
void thread_touch(const struct request *r, enum record_tier tier, enum rule rule);

/**
 * True when nothing but @r, this stack's current request, can be the cause of what this thread does
 * next. Three things could be another cause, and each is excluded:
 *
 * - a request read since the thread last blocked, whose handling was put off (a burst's claims);
 * - when @r is current because of an answer that came in: any request that waits for something
 * freed by that answer (all claims);
 * - in an event loop, a timer: none can have run before the time the loop asked to be woken at.
 *
 * A request waits with its cause known, and is no claim, while an exchange of its own is under way.
 */
bool thread_sole(const struct request *r);

/* ---- record.c ---- */

extern struct pool requests;

struct request *request_new(uint64_t now);
/** The head is complete: identity, sampling, claims. The thread must have a block. */
void request_begin(struct request *r, struct carrier *carrier);
/** Fully answered, or given up with its connection (@why: an error.type, or NULL). Gives up the
 * connection's reference. */
void request_end(struct request *r, const struct connection *c, const char *why);
/** The other side of a fork answers it. Gives up the connection's reference. */
void request_leave(struct request *r);
void request_drop(struct request *r);
/** This thread may take @r's next step; it no longer may. */
void request_claim(struct request *r);
void request_release(struct request *r);
/** It waits for a connection of its own: nothing in this burst is its next step. */
void request_explain(struct request *r);
/** The active request that came in with this identity, with a reference; NULL: none, or more than
 * one. */
struct request *request_forwarded(const struct span_context *remote);

/* ---- exchange.c ---- */

struct exchange *exchange_new(uint64_t now);
/**
 * Finds the parent without help from the bytes (3.5). @one_shot: the connection ends with this
 * exchange. The thread must have a block, here and in exchange_follow().
 */
void exchange_decide(struct exchange *x, const struct connection *c, bool one_shot);
/** The program's own bytes name @named: follows it. */
void exchange_follow(struct exchange *x, const struct span_context *named);
/** What the bytes said is not to be believed after all. */
void exchange_undecide(struct exchange *x);
/** Answered (@why NULL) or given up. Frees it. */
void exchange_end(struct exchange *x, const struct connection *c, const char *why);
/** It never left: forgets it without a trace. */
void exchange_cancel(struct exchange *x);
/** What its headers say: the context of its own span, with the owner's text. Fills @out. */
void exchange_context(const struct exchange *x, struct context *out);

/* ---- connection.c ---- */

/** A connection's handle as hooks and the table have it. */
uint64_t connection_handle(const struct connection *c);
struct connection *connection_new(enum connection_role role, const struct peer *peer);
/** Takes the connection and its lock; NULL: gone, or busy (then it was marked lost), or opaque. */
struct connection *connection_enter(uint64_t handle);
void connection_leave(struct connection *c);
/** A reference that outlives the lock; giving it back leaves the connection too. */
void connection_share(struct connection *c);
void connection_unshare(struct connection *c);
/** A look without the lock; NULL: gone. */
const struct connection *connection_peek(uint64_t handle);
/** Not HTTP/1 any more, for ever (@why is counted). Lock held. */
void connection_give_up(struct connection *c, enum counter why);
/** One descriptor less; the last one ends what is pending. One more; false: it is gone. */
void connection_unname(uint64_t handle);
bool connection_name(uint64_t handle);
/** Gives @parser a line buffer. False: none to be had. */
bool connection_room(struct http1 *parser, struct wide_buffer **buffer);
void connection_room_done(struct http1 *parser, struct wide_buffer **buffer);
void peer_set(struct peer *peer, const struct sockaddr *address, size_t len);

/**
 * Room for header text of ours that stays where it is until it has left: *room bytes, which may be
 * fewer than wanted. NULL: none to be had. connection_text_used() says how much of it was filled.
 */
char *connection_text(struct connection *c, size_t wanted, size_t *room);
void connection_text_used(struct connection *c, const char *text, uint32_t len);
/** What is behind the owed part is not needed any more: it will be made again. */
void connection_text_trim(struct connection *c);
/** All of it has left, or never will. */
void connection_text_done(struct connection *c);

/**
 * The outgoing line buffer while a call is under way: it is put aside with what it held before the
 * call, forgotten when the call went through, taken back when it did not.
 */
void connection_line_keep(struct connection *c);
void connection_line_forget(struct connection *c);
void connection_line_restore(struct connection *c);

/** The exchange with this absolute number, or NULL when it is answered (or not made yet). */
struct exchange *connection_exchange(const struct connection *c, uint32_t number);
bool connection_has(const struct connection *c, const struct exchange *x);
/** The oldest request or exchange, taken off the queue; NULL: there is none. */
void *connection_pop(struct connection *c);
/** The same for an exchange, which is then not being sent any more either. */
struct exchange *connection_pop_exchange(struct connection *c);

bool queue_push(struct queue *q, void *item);
void *queue_at(const struct queue *q, unsigned int i);
void *queue_first(const struct queue *q);
void *queue_pop(struct queue *q);
/** Takes the newest one back. */
void *queue_unpush(struct queue *q);

extern struct pool baggages;

/* ---- head.c, inbound.c, answer.c, outgoing.c ---- */

/** The stream from the other side ended. Lock held. */
void inbound_closed(struct connection *c);

/** Empties @head. Its first line; one of its headers: what a span keeps of them. */
void head_clear(struct head *head);
void head_keep_first(struct head *head, const struct http1 *p, const struct http1_step *step);
void head_keep_header(struct head *head, const struct http1_step *step);
bool name_is(struct http1_slice name, const char *lower, size_t len);

/** The answer's stream ended (shutdown, close). Lock held. */
void answer_closed(struct connection *c);

struct plan_progress;
/** Reads the program's outgoing bytes before they leave and asks for edits. Lock held. */
void outgoing_plan(struct connection *c, struct carry_plan *plan, bool fixed);
/** The whole call left; only a part of it did; @n bytes left that nobody saw. Lock held. */
void outgoing_done(struct connection *c);
void outgoing_short(struct connection *c, const struct carry_plan *plan,
		    const struct plan_progress *went);
void outgoing_skipped(struct connection *c, size_t n);

/* ---- plan.c ---- */

/** Asks for an edit; false: the plan has no room for it. Edits come in the order of their offsets.
 */
bool plan_edit(struct carry_plan *plan, const struct carry_edit *edit);
/** True when the program's bytes at offset @at are these. */
bool plan_holds(const struct carry_plan *plan, size_t at, const char *bytes, size_t len);

/** What a number of bytes taken by the kernel means for the program, and for us. */
struct plan_progress {
	size_t app;       /* bytes of the program's that count as sent */
	const char *owed; /* the part of a text of ours that must follow first; NULL: none */
	uint32_t owed_len;
	const struct carry_edit
		*last; /* text of it left, and nothing of the program's behind it; NULL: none */
};

/* ---- emit.c ---- */

void emit_request(const struct request *r, const struct connection *c, const char *why);
void emit_exchange(const struct exchange *x, const struct connection *c, const char *why);

#endif
