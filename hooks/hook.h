/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hook is made of: `real`, INTERPOSE and WITH_AGENT. Read hooks/README.md before adding one.
 */
#ifndef HOOKS_HOOK_H
#define HOOKS_HOOK_H

#include "hooks/types.h"

#include <errno.h>
#include <stdbool.h>

#include "carry/carry.h"

#define EXPORTED __attribute__((visibility("default")))
#define INTERNAL __attribute__((visibility("hidden")))

/** The program's own functions. A slot is never NULL: it starts as a stub that resolves it. */
struct real {
#define HOOK(ret, name, params, args, version) ret(*name) params;
#include "hooks/hooks.def"
#undef HOOK
};

extern struct real real INTERNAL;

/* What the program calls instead. libc's headers must agree with each row, or this does not
 * compile. */
#define HOOK(ret, name, params, args, version) EXPORTED ret name params;
#define HOOK_OWN(ret, name, params, args, version) \
	EXPORTED ret name params;                  \
	ret substitute_##name params INTERNAL;
#include "hooks/hooks.def"
#undef HOOK

/** The address of libc's symbol @name, or NULL. For the constructor: a name that is missing
 * allocates. */
void *real_symbol(const char *name);
/** Resolves every row; before it ran (and if it never runs) each stub resolves its own. */
void real_resolve(void) INTERNAL;
/** Finds a function behind us in the search order, or NULL. Tests put another in its place. */
extern void *(*real_find)(const char *symbol, const char *version)INTERNAL;

/** Begins the definition that the program calls instead of libc's. */
#define INTERPOSE(ret, name, params) EXPORTED ret name params

struct agent_scope {
	int saved_errno;
	bool open;
};

static ALWAYS_INLINE struct agent_scope agent_scope_open(void)
{
	struct agent_scope scope = {.open = carry_enter()};

	if (scope.open)
		scope.saved_errno = errno;
	return scope;
}

static ALWAYS_INLINE void agent_scope_close(struct agent_scope *scope)
{
	if (!scope->open)
		return;
	scope->open = false;
	carry_leave();
	errno = scope->saved_errno;
}

/**
 * Runs the statement behind it once, with the guard held, or not at all. errno is as before behind
 * it; an early return closes it. Never around a call of `real`.
 */
#define WITH_AGENT(scope)                                                      \
	for (struct agent_scope scope                                          \
	     __attribute__((cleanup(agent_scope_close))) = agent_scope_open(); \
	     scope.open; agent_scope_close(&scope))

#endif
