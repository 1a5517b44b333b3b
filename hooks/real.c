/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libc's own functions behind the table. Every slot of `real` starts as a stub, made from its row,
 * which looks that one function up and forwards; so calls that come before our constructor work
 * (hazard A1). preload.c calls real_resolve() for all at once, because looking up a name that this
 * libc does not have allocates memory (hazard A2). Must never call a function of the table.
 */
#include "hooks/hook.h"

#include <dlfcn.h>
#include <string.h>

/* The oldest versions there are, so that one library runs on every libc (hazards A7, rule 4). */
#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#else
#define OLDEST "GLIBC_2.17"
#endif
__asm__(".symver dlsym, dlsym@" OLDEST);
__asm__(".symver dlvsym, dlvsym@" OLDEST);
__asm__(".symver dlerror, dlerror@" OLDEST);
/* musl has no versions, and so no such function (hazard A9). */
extern void *dlvsym(void *restrict handle, const char *restrict symbol,
		    const char *restrict version) __attribute__((weak));

struct real_row {
	const char *symbol, *version;
	void *slot, *missing;
};

enum {
#define HOOK(ret, name, params, args, version) ROW_##name,
#include "hooks/hooks.def"
#undef HOOK
	ROW_COUNT,
};

/* ---- what a row does when libc has no such function ---- */

static COLD long missing_call(void)
{
	errno = ENOSYS;
	return -1;
}

#define HOOK(ret, name, params, args, version)
#define HOOK_CODE(ret, name, params, args, version, missing) \
	static COLD ret missing_##name(void)                 \
	{                                                    \
		return missing;                              \
	}
#define HOOK_OLD(ret, name, params, args, version, missing, symbol) \
	HOOK_CODE(ret, name, params, args, version, missing)
#define HOOK_OWN(ret, name, params, args, version)
#include "hooks/hooks.def"
#undef HOOK

static const struct real_row rows[ROW_COUNT] = {
#define HOOK(ret, name, params, args, version) \
	[ROW_##name] = {#name, version, &real.name, missing_call},
#define HOOK_CODE(ret, name, params, args, version, missing) \
	[ROW_##name] = {#name, version, &real.name, missing_##name},
#define HOOK_OLD(ret, name, params, args, version, missing, symbol) \
	[ROW_##name] = {#symbol, version, &real.name, missing_##name},
#define HOOK_OWN(ret, name, params, args, version) \
	[ROW_##name] = {#name, version, &real.name, substitute_##name},
#include "hooks/hooks.def"
#undef HOOK
};

/* ---- looking up ---- */

static void *find_next(const char *symbol, const char *version)
{
	void *at = NULL;

	if (version && dlvsym)
		at = dlvsym(RTLD_NEXT, symbol, version);
	if (!at)
		at = dlsym(RTLD_NEXT, symbol);
	if (!at)
		dlerror(); /* or the program's next dlerror() would report our failure */
	return at;
}

void *(*real_find)(const char *symbol, const char *version) = find_next;

static void resolve(const struct real_row *row)
{
	void *at = real_find(row->symbol, row->version);

	if (!at)
		at = row->missing;
	memcpy(row->slot, &at, sizeof(at)); /* one store; every thread stores the same */
}

static COLD void resolve_row(int number)
{
	int saved = errno;

	resolve(&rows[number]);
	errno = saved;
}

void *real_symbol(const char *name)
{
	void *at = dlsym(RTLD_DEFAULT, name);

	if (!at)
		dlerror();
	return at;
}

void real_resolve(void)
{
	int saved = errno;

	for (int i = 0; i < ROW_COUNT; i++)
		resolve(&rows[i]);
	errno = saved;
}

/* ---- the stubs ---- */

#define HOOK(ret, name, params, args, version) \
	static COLD ret stub_##name params     \
	{                                      \
		resolve_row(ROW_##name);       \
		return real.name args;         \
	}
/* The stub itself is assembly too; it asks here where to jump to. */
#define HOOK_ASM(ret, name, params, args, version) \
	ret stub_##name params INTERNAL;           \
	void *target_stub_##name(void) INTERNAL;   \
	void *target_stub_##name(void)             \
	{                                          \
		resolve_row(ROW_##name);           \
		return (void *)real.name;          \
	}
#include "hooks/hooks.def"
#undef HOOK

struct real real = {
#define HOOK(ret, name, params, args, version) .name = stub_##name,
#include "hooks/hooks.def"
#undef HOOK
};
