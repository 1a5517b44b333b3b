/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a context is, and how it is written in other people's bytes: W3C Trace Context (level 2),
 * W3C Baggage, B3 single and multi, X-Request-ID. Pure values: nothing here does I/O, reads a
 * clock, allocates or keeps state. Called by carry/, for headers and for environments.
 *
 * Context: any thread, signal-safe, no locks.
 */
#ifndef CONTEXT_CONTEXT_H
#define CONTEXT_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTEXT_TRACE_ID_LEN       16
#define CONTEXT_SPAN_ID_LEN        8
#define CONTEXT_TRACEPARENT_LEN    55  /* "00-" 32 "-" 16 "-" 2 */
#define CONTEXT_B3_LEN             51  /* 32 "-" 16 "-" 1 */
#define CONTEXT_TRACESTATE_MAX     512 /* W3C trace-context 3.3.1.5: at least 512 should be kept */
#define CONTEXT_TRACESTATE_MEMBERS 32  /* the grammar allows no more */
#define CONTEXT_BAGGAGE_MAX        8192 /* W3C baggage 3.3.2: so much, and 64 members, must be kept */
#define CONTEXT_BAGGAGE_MEMBERS    64
#define CONTEXT_REQUEST_ID_MAX     128

enum context_flag {
	CONTEXT_SAMPLED = 0x01,
	CONTEXT_RANDOM = 0x02, /* level 2: the trace id's right-most 7 bytes are random */
};

/** The carriers that OTEL_PROPAGATORS selects, as a mask. Rows in context/propagator.def. */
enum propagator {
#define PROPAGATOR(id, bit, name) PROPAGATOR_##id = 1 << (bit),
#include "context/propagator.def"
#undef PROPAGATOR
};

/** A header that carries context, by its lower-case name. Rows in context/field.def. */
enum context_field {
#define FIELD(id, name, written, propagator) FIELD_##id,
#include "context/field.def"
#undef FIELD
	FIELD_COUNT,
	FIELD_NONE = FIELD_COUNT,
};

/** Why a carrier was not believed; each has a counter. Rows in context/refusal.def. */
enum context_refusal {
#define REFUSAL(id, name, help) REFUSAL_##id,
#include "context/refusal.def"
#undef REFUSAL
	REFUSAL_COUNT,
};

/** Identity on the wire: 16 + 8 + 1 bytes. All-zero ids are "none". */
struct span_context {
	uint8_t trace_id[CONTEXT_TRACE_ID_LEN];
	uint8_t span_id[CONTEXT_SPAN_ID_LEN];
	uint8_t flags;
};

/**
 * A whole context. @span is who the context names (the remote parent after extraction, our own span
 * before injection). Text is validated, in wire form, without terminating NUL. @baggage points at
 * memory that the owner of the struct provides (capacity @baggage_cap; NULL: baggage is dropped).
 * A struct of zeroes is a valid empty context.
 */
struct context {
	struct span_context span;
	uint8_t tracestate_members; /* appended so far, also those that did not fit */
	uint8_t tracestate_cut;     /* tracestate.c only: what the size limit has cost so far */
	uint16_t tracestate_len;
	uint16_t request_id_len;
	uint16_t baggage_len;
	uint16_t baggage_cap;
	char *baggage;
	char tracestate[CONTEXT_TRACESTATE_MAX];
	char request_id[CONTEXT_REQUEST_ID_MAX];
};

/** Empties @ctx but leaves it its baggage memory. */
void context_clear(struct context *ctx);

/** True when neither id is "none". */
bool span_context_valid(const struct span_context *span);

/* ---- single carriers (traceparent.c, tracestate.c, baggage.c, b3.c, request_id.c) ----
 * Parsers take @len bytes with optional white space (SP, HTAB) around them already removed or not.
 * They return 0, or minus an enum context_refusal value minus 1: see context_refused(). On refusal
 * *out is unchanged; the exceptions are STATE_SIZE and BAGGAGE_SIZE, which say that whole members
 * were left out and the rest was taken. */

/** @out gets all flag bits that came, known or not. */
int traceparent_parse(const char *s, size_t len, struct span_context *out);
/** Writes CONTEXT_TRACEPARENT_LEN bytes, version 00, flags masked to those we know. */
void traceparent_format(const struct span_context *span, char *out);

/**
 * Appends one header line's members to @ctx; several lines form one list, in order. After
 * STATE_FORM the lines before it must not be believed either: drop all of it (carrier_finish()
 * does). When 512 bytes are too few, members of more than 128 bytes go first, the right-most before
 * the others, then members from the end.
 */
int tracestate_append(struct context *ctx, const char *s, size_t len);
/** Appends one header line's members without white space; a malformed line is left out whole. */
int baggage_append(struct context *ctx, const char *s, size_t len);
/**
 * Appends key=value, percent-encoding the value. -ENOSPC without room (bytes or members) or without
 * baggage memory; -EINVAL when @key is no token of RFC 9110. @ctx is then unchanged.
 */
int baggage_append_pair(struct context *ctx, const char *key, size_t key_len, const char *value,
			size_t value_len);
int request_id_parse(struct context *ctx, const char *s, size_t len);
/** Makes a request id where none came: the trace id in hex, one name fewer to search for. */
void context_name_request(struct context *ctx);

/** What B3 says of sampling. Debug counts as ACCEPT; DEFER leaves it to the receiver. */
enum b3_sampling { B3_DEFER = -1, B3_DENY = 0, B3_ACCEPT = 1 };

/** b3: "trace-span[-state[-parent]]", or the state alone: then the ids in @out are "none". */
int b3_parse(const char *s, size_t len, struct span_context *out, enum b3_sampling *sampling);
/** X-B3-TraceId: 32 digits, or 16 that become the right half. */
int b3_trace_id_parse(const char *s, size_t len, uint8_t *out);
/** X-B3-SpanId. */
int b3_span_id_parse(const char *s, size_t len, uint8_t *out);
/** X-B3-ParentSpanId: checked, never used. */
int b3_parent_id_check(const char *s, size_t len);
/** X-B3-Sampled: 0, 1, and as early tracers wrote it, false, true. */
int b3_sampled_parse(const char *s, size_t len, enum b3_sampling *out);
/** X-B3-Flags: a number; 1 is debug, anything else is DEFER. */
int b3_flags_parse(const char *s, size_t len, enum b3_sampling *out);
/** Writes CONTEXT_B3_LEN bytes: trace-span-sampled. */
void b3_format(const struct span_context *span, char *out);

static inline int context_refuse(enum context_refusal why)
{
	return -(int)why - 1;
}

/** The reason in a parser's negative result. */
static inline enum context_refusal context_refused(int result)
{
	return (enum context_refusal)(-result - 1);
}

/* ---- a head of headers, read (carrier.c) ---- */

/** Which field @name (any case) is, or FIELD_NONE. About 2 ns for names that are none. */
enum context_field context_field(const char *name, size_t len);

/** What the context headers of one head said so far. Start from carrier_init(). */
struct carrier {
	struct context *ctx;       /* text is gathered here */
	uint8_t propagators;       /* enum propagator mask */
	uint8_t seen[FIELD_COUNT]; /* how often each was there, selected or not; up to 255 */
	bool bad_parent;           /* traceparent malformed or there twice: start a new trace */
	bool bad_b3;
	bool bad_tracestate;
	bool bad_baggage; /* a line of it was left out */
	bool b3_deny;     /* b3: 0, or X-B3-Sampled: 0, with ids or without */
	bool b3_accept;   /* b3: 1 / d, X-B3-Sampled: 1, X-B3-Flags: 1, with ids or without */
	uint8_t b3_has;   /* 1 trace id, 2 span id, 4 both settled by the b3 header */
	int refusal;      /* after carrier_finish(): 0, or one that only a whole head can show */
	struct span_context w3c, b3;
};

/** Also empties @ctx (not its baggage memory). */
void carrier_init(struct carrier *c, struct context *ctx, unsigned int propagators);

/**
 * Takes one header's value. Returns 0 (taken, or not selected) or a refusal. Selecting B3 or
 * B3MULTI reads both encodings, as OpenTelemetry asks; they differ in what is written. Where a
 * field other than traceparent, tracestate and baggage is there twice, the first one counts.
 */
int carrier_add(struct carrier *c, enum context_field field, const char *value, size_t len);

enum carrier_result {
	CARRIER_NONE,   /* no usable parent: start a new trace (tracestate was cleared) */
	CARRIER_PARENT, /* ctx->span is the remote parent */
};

/**
 * Decides once the head is complete: W3C wins over B3, and a bad traceparent over both: then a new
 * trace begins. Without a traceparent that counts the tracestate is dropped. *decision is 1
 * (sampled) or 0 (not sampled) where the caller decided, with a parent or (B3) without one; -1
 * where it left the decision to us: no parent, or one from B3 without a sampling state.
 */
enum carrier_result carrier_finish(struct carrier *c, int *decision);

/** True when @value is well-formed for @field: what a program forwards may go on as it is. */
bool context_value_ok(enum context_field field, const char *value, size_t len);

/* ---- a head of headers, written (inject.c) ---- */

/**
 * Writes @field's value to @out. Returns its length; 0 when @ctx has none, when it needs more than
 * @cap bytes, or when it is a field that we never write (X-B3-ParentSpanId, X-B3-Flags).
 */
size_t context_format(const struct context *ctx, enum context_field field, char *out, size_t cap);

/**
 * Formats header lines ("traceparent: ...\r\n" and so on) for every field that @propagators
 * selects, that @ctx can fill and that is not in @present (mask of 1 << enum context_field: the
 * program's own bytes already have it). What is one statement stays one: tracestate never goes
 * without a traceparent (where the program has that, @ctx must be the context it names), the X-B3
 * headers go together, and none of B3 goes where the program has any of it. Lines longer than the
 * room left are left out whole. Returns the number of bytes written to @out, at most @cap; never a
 * partial line.
 */
size_t context_inject(const struct context *ctx, unsigned int propagators, unsigned int present,
		      char *out, size_t cap);

/* ---- settings that name propagators (propagators.c) ---- */

/**
 * Parses OTEL_PROPAGATORS: comma separated, white space ignored, "none" alone means 0. Unknown
 * names are skipped and reported through *unknown (the first one's start and length, or NULL).
 */
unsigned int propagators_parse(const char *list, const char **unknown, size_t *unknown_len);

#endif
