/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's life in a process: start, fork, seal; what the process itself carries; the sampler.
 * Called by hooks/preload.c and by the first hook that notices a fork which passed us by.
 */
#include "carry/private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/sys.h"

_Atomic int carry_state;
_Atomic bool carry_serving;
struct process process;

/* Until start, and where the kernel knows no MADV_WIPEONFORK, `alive` lies in ordinary memory. */
static _Atomic uint32_t process_always_alive = 1;
_Atomic uint32_t *carry_alive = &process_always_alive;

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#define PAGE 4096

/* ---- sampling ---- */

static bool process_sample_by_id(const uint8_t *trace_id)
{
	uint64_t low = 0;

	if (process.config.sampler == SAMPLER_ALWAYS_ON)
		return true;
	if (process.config.sampler == SAMPLER_ALWAYS_OFF)
		return false;
	for (int i = 8; i < 16; i++)
		low = low << 8 | trace_id[i];
	return (low >> 1) < process.config.sampler_bound;
}

bool process_sample_root(const uint8_t *trace_id)
{
	return process_sample_by_id(trace_id);
}

bool process_sample_child(const uint8_t *trace_id, uint8_t flags)
{
	if (process.config.parent_based)
		return flags & CONTEXT_SAMPLED;
	return process_sample_by_id(trace_id);
}

/* ---- the process's own context ---- */

static void process_read_context(void)
{
	const struct config *config = &process.config;
	const char *pairs = config->text[CONFIG_ID_CONTEXT];
	const char *parent = config->text[CONFIG_ID_TRACEPARENT];
	const char *state = config->text[CONFIG_ID_TRACESTATE];
	const char *baggage = config->text[CONFIG_ID_BAGGAGE];
	struct config_pair pair;

	process.own.baggage = process.own_baggage_text;
	process.own.baggage_cap = sizeof(process.own_baggage_text);
	process.pairs_baggage.baggage = process.pairs_baggage_text;
	process.pairs_baggage.baggage_cap = sizeof(process.pairs_baggage_text);
	process.has_parent = traceparent_parse(parent, strlen(parent), &process.own.span) == 0;
	if (*parent && !process.has_parent)
		count(COUNTER_SETTINGS_BAD);
	if (process.has_parent && *state && tracestate_append(&process.own, state, strlen(state)))
		count(COUNTER_SETTINGS_BAD);
	if (*baggage && baggage_append(&process.own, baggage, strlen(baggage)))
		count(COUNTER_SETTINGS_BAD);
	while (config->context_baggage && config_next_pair(&pairs, &pair))
		/* the pairs are percent-encoded as baggage is */
		if (baggage_append(&process.pairs_baggage, pair.key,
				   (size_t)(pair.value + pair.value_len - pair.key)))
			count(COUNTER_SETTINGS_BAD);
	if (process.pairs_baggage.baggage_len &&
	    baggage_append(&process.own, process.pairs_baggage.baggage,
			   process.pairs_baggage.baggage_len))
		count(COUNTER_SETTINGS_BAD);
	process.own_sampled = process.has_parent && process_sample_child(process.own.span.trace_id,
									 process.own.span.flags);
}

/* ---- the ring ---- */

#define RING_FOR_ROOT (2u * 1024 * 1024)

void process_need_ring(void)
{
	struct ring_identity identity = {
		.directory = process.directory,
		.executable = process.executable,
		.service = process.service,
		.resource = process.resource,
		.context = process.pairs,
		.size_max = process.config.ring_size,
		.generation = process.generation,
	};
	int err;

	if (ring_is_open() || !process.directory[0] || process.sealed)
		return;
	err = ring_open(&identity);
	/* EAGAIN: another thread is at it. Any other reason will not go away, and trying costs
	 * system calls. */
	if (err < 0 && err != -EAGAIN)
		process.directory[0] = 0;
	/* a server that gives up root cannot open its file again to let it grow */
	if (!err && process.listening && !sys_geteuid())
		ring_extend(RING_FOR_ROOT);
}

/* ---- start ---- */

/* A page that reads zero in the child of every fork, also of those that run no handlers (hazard
 * D8). */
static void process_watch_forks(void)
{
	uint32_t *page = sys_map(PAGE, -1, 0);

	if (!page)
		return;
	if (sys_madvise(page, PAGE, MADV_WIPEONFORK)) {
		sys_unmap(page, PAGE);
		return;
	}
	*page = 1;
	carry_alive = (_Atomic uint32_t *)page;
}

static void process_identify(void)
{
	struct random random = {{0}};

	process.pid = (uint32_t)sys_getpid();
	random_seed(&random, (uint64_t)process.pid << 32 | process.forks, !process.sealed);
	random_bytes(&random, &process.generation, sizeof(process.generation));
	lock_generation = (uint32_t)process.generation | 1;
}

static void copy_text(char *to, size_t cap, const char *from)
{
	size_t len = from ? strnlen(from, cap - 1) : 0;

	memcpy(to, from ? from : "", len);
	to[len] = 0;
}

int carry_start(const struct carry_options *options)
{
	const char *unknown;
	size_t unknown_len;

	process.config = *options->config;
	if (process.config.disabled || process.config.secure)
		return 0;
	clock_init();
	base_threads_tell(options->single_threaded);
	copy_text(process.directory, sizeof(process.directory), options->directory);
	copy_text(process.executable, sizeof(process.executable), options->executable);
	copy_text(process.service, sizeof(process.service),
		  process.config.text[CONFIG_ID_SERVICE_NAME]);
	copy_text(process.resource, sizeof(process.resource),
		  process.config.text[CONFIG_ID_RESOURCE_ATTRIBUTES]);
	copy_text(process.pairs, sizeof(process.pairs), process.config.text[CONFIG_ID_CONTEXT]);
	process.propagators = propagators_parse(process.config.text[CONFIG_ID_PROPAGATORS],
						&unknown, &unknown_len);
	if (unknown)
		count(COUNTER_SETTINGS_BAD);
	ring_count(COUNTER_SETTINGS_BAD, process.config.problems);
	process_read_context();
	process_identify();
	process_watch_forks();
	carry_state = CARRY_ON;
	return 0;
}

/* ---- fork ---- */

/*
 * The request this stack works for may be answered on either side: nobody claims its next step.
 * @handed: the generation of the process that goes on without it, if it does; 0: this is the child.
 */
static void process_forked(uint64_t handed)
{
	struct request *r = thread_current();

	process.forks++;
	if (!r)
		return;
	r->handed = handed;
	request_release(r);
	request_drop(r);
}

void carry_fork_parent(void)
{
	if (!carry_enter())
		return;
	process_forked(process.generation);
	carry_leave();
}

/* A new process: own ids, own ring, and only this thread. */
static void process_reborn(void)
{
	struct carry_block *block = carry_self.block;

	process_forked(0);
	ring_forget();
	process_identify();
	if (block) {
		memset(&block->writer, 0, sizeof(block->writer));
		random_seed(&block->random, process.generation, !process.sealed);
		block->claims = 1ull << 32;
	}
	carry_self.generation = process.generation;
	carry_self.vfork_tid = 0;
	*carry_alive = 1;
	count(COUNTER_FORKS);
	/* A server's worker is about to give up its rights: make its ring while it has them. */
	if (process.listening)
		process_need_ring();
}

void carry_fork_child(void)
{
	uint32_t inside = carry_self.inside; /* a handler may fork in the middle of the agent */

	if (carry_state != CARRY_ON)
		return;
	/* a hook of another handler was quicker; or the kernel wipes no pages, then the pid tells
	 */
	if (*carry_alive && (process.sealed || (uint32_t)sys_getpid() == process.pid))
		return;
	carry_self.inside = 1;
	process_reborn();
	carry_self.inside = inside;
}

void carry_vfork(void)
{
	if (carry_state == CARRY_ON && !process.sealed)
		carry_self.vfork_tid = sys_gettid();
}

/*
 * The guard is taken already. Something is unusual: the child of a fork that ran no handlers, or a
 * thread that has called vfork - then whoever runs with its memory but not its tid is the child,
 * which must not leave a trace in it (hazard D1).
 */
bool carry_enter_slow(void)
{
	if (carry_self.vfork_tid) {
		if (process.sealed || sys_gettid() != carry_self.vfork_tid)
			return false;
		carry_self.vfork_tid = 0;
	}
	if (!*carry_alive)
		process_reborn();
	return true;
}

void carry_stop(void)
{
	carry_state = CARRY_OFF;
}

void carry_seal(void)
{
	if (process.sealed)
		return;
	process.sealed = true;
	ring_seal();
	pool_seal();
	count(COUNTER_SEALED);
}

void carry_listening(int fd)
{
	(void)fd;
	process.listening = true;
	process_need_ring();
}
