/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks of base/clock.h: a look-up in the vDSO, the small shared library that the kernel
 * maps into every process. Called by record/, carry/ and the ctxagent program; must never call
 * libc's clock_gettime. The image is the kernel's own, but a look-up stays inside its mapped size
 * all the same.
 */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"

#if defined(__aarch64__)
#define CLOCK_SYMBOL "__kernel_clock_gettime"
#else
#define CLOCK_SYMBOL "__vdso_clock_gettime"
#endif

#define SYMBOLS_MAX 256 /* the vDSO has about a dozen */

typedef int clock_call(clockid_t clock, struct timespec *ts);

static clock_call *clock_vdso;

/*
 * The parts of the image that a look-up needs. Addresses in it are relative to its first segment.
 */
struct vdso {
	const char *base;
	size_t size;
	uint64_t first; /* address that @base was linked at */
	const Elf64_Sym *symbols;
	const char *strings;
	size_t strings_size;
	const uint32_t *hash, *gnu_hash;
};

/* @len bytes at linked address @at, or NULL when they are not inside the image. */
static const void *vdso_at(const struct vdso *v, uint64_t at, uint64_t len)
{
	uint64_t off = at - v->first;

	/* Some kernels relocate the dynamic table in place: then it holds real addresses. */
	if (off >= v->size)
		off = at - (uintptr_t)v->base;
	if (off >= v->size || len > v->size - off)
		return NULL;
	return v->base + off;
}

static const Elf64_Dyn *vdso_dynamic(struct vdso *v, uint64_t *count)
{
	const Elf64_Ehdr *ehdr = (const void *)v->base;
	const Elf64_Phdr *phdr = (const void *)(v->base + ehdr->e_phoff);
	uint64_t at = 0;
	bool loaded = false;

	for (unsigned int i = 0; i < ehdr->e_phnum; i++) {
		if (phdr[i].p_type == PT_LOAD && !loaded) {
			v->first = phdr[i].p_vaddr - phdr[i].p_offset;
			v->size = phdr[i].p_offset + phdr[i].p_memsz;
			loaded = true;
		} else if (phdr[i].p_type == PT_DYNAMIC) {
			at = phdr[i].p_vaddr;
			*count = phdr[i].p_memsz / sizeof(Elf64_Dyn);
		}
	}
	return loaded && at ? vdso_at(v, at, *count * sizeof(Elf64_Dyn)) : NULL;
}

static bool vdso_read(struct vdso *v, const char *base)
{
	const Elf64_Dyn *dyn;
	uint64_t count = 0, strings = 0;

	v->base = base;
	if (memcmp(base, ELFMAG, SELFMAG) != 0 || base[EI_CLASS] != ELFCLASS64)
		return false;
	dyn = vdso_dynamic(v, &count);
	for (uint64_t i = 0; dyn && i < count && dyn[i].d_tag != DT_NULL; i++) {
		uint64_t at = dyn[i].d_un.d_ptr;

		if (dyn[i].d_tag == DT_SYMTAB)
			v->symbols = vdso_at(v, at, sizeof(Elf64_Sym));
		else if (dyn[i].d_tag == DT_STRTAB)
			strings = at;
		else if (dyn[i].d_tag == DT_STRSZ)
			v->strings_size = dyn[i].d_un.d_val;
		else if (dyn[i].d_tag == DT_HASH)
			v->hash = vdso_at(v, at, 8);
		else if (dyn[i].d_tag == DT_GNU_HASH)
			v->gnu_hash = vdso_at(v, at, 16);
	}
	v->strings = strings ? vdso_at(v, strings, v->strings_size) : NULL;
	return v->symbols && v->strings && (v->hash || v->gnu_hash);
}

/* Whether @n words from @at on lie inside the image. */
static bool vdso_holds(const struct vdso *v, const uint32_t *at, uint64_t n)
{
	return n <= v->size / 4 && (size_t)((const char *)at - v->base) <= v->size - n * 4;
}

/* A GNU hash table does not say how many symbols there are: the end of the last chain does. */
static uint32_t vdso_gnu_count(const struct vdso *v)
{
	const uint32_t *h = v->gnu_hash;
	uint32_t buckets = h[0], first = h[1], last = 0;
	const uint32_t *bucket = h + 4 + (uint64_t)h[2] * 2;
	const uint32_t *chain = bucket + buckets;

	if (h[2] > v->size || buckets > SYMBOLS_MAX || !vdso_holds(v, bucket, buckets))
		return 0;
	for (uint32_t i = 0; i < buckets; i++)
		if (bucket[i] > last)
			last = bucket[i];
	if (last < first || last >= SYMBOLS_MAX)
		return 0;
	while (last < SYMBOLS_MAX && vdso_holds(v, chain, last - first + 1) &&
	       !(chain[last - first] & 1))
		last++;
	return last + 1;
}

static uint32_t vdso_count(const struct vdso *v)
{
	uint32_t n = v->hash ? v->hash[1] : vdso_gnu_count(v);
	uint64_t room =
		(v->size - (size_t)((const char *)v->symbols - v->base)) / sizeof(Elf64_Sym);

	if (n > SYMBOLS_MAX)
		n = SYMBOLS_MAX;
	return n > room ? (uint32_t)room : n;
}

static const void *vdso_find(const struct vdso *v, const char *name)
{
	size_t len = strlen(name) + 1;
	uint32_t count = vdso_count(v);

	for (uint32_t i = 0; i < count; i++) {
		const Elf64_Sym *sym = &v->symbols[i];

		if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || sym->st_shndx == SHN_UNDEF)
			continue;
		if (sym->st_name >= v->strings_size || len > v->strings_size - sym->st_name)
			continue;
		if (memcmp(v->strings + sym->st_name, name, len) == 0)
			return vdso_at(v, sym->st_value, 1);
	}
	return NULL;
}

void clock_init(void)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR);
	struct vdso v = {0};
	const void *at = NULL;
	clock_call *call;

	if (base && vdso_read(&v, (const char *)base))
		at = vdso_find(&v, CLOCK_SYMBOL);
	memcpy(&call, &at, sizeof(call));
	__atomic_store_n(&clock_vdso, call, __ATOMIC_RELEASE);
}

static uint64_t clock_read(clockid_t clock)
{
	clock_call *call = __atomic_load_n(&clock_vdso, __ATOMIC_ACQUIRE);
	struct timespec ts = {0};

	if (unlikely(!call || call(clock, &ts) != 0))
		if (sys_call(SYS_clock_gettime, clock, (long)(uintptr_t)&ts, 0, 0, 0, 0) < 0)
			return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_realtime(void)
{
	return clock_read(CLOCK_REALTIME);
}
