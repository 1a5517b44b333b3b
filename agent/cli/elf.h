/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an executable or library file says about itself, read with libelf: nothing is executed.
 */
#ifndef CLI_ELF_H
#define CLI_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/intern.h"

struct elf_facts {
	int elf_class;			/* ELFCLASS32, ELFCLASS64 */
	uint16_t machine;		/* EM_... */
	uint16_t type;			/* ET_EXEC, ET_DYN ... */
	bool dynamic;			/* has a dynamic section */
	bool go;			/* made by the Go tool chain */
	const char *interpreter;	/* PT_INTERP, or NULL */
	const char *soname;		/* or NULL */
	const char *runpath;		/* DT_RUNPATH or DT_RPATH, or NULL */
	const char *glibc;		/* the newest GLIBC_x.y it needs, or NULL */
	struct intern needed;		/* DT_NEEDED, in order */
	struct intern imports;		/* undefined dynamic functions */
	struct intern exports;		/* defined dynamic functions */
	struct arena arena;
};

/**
 * Returns 0, -ENOEXEC when @path is no ELF file, or a negative errno. elf_free() after success
 * only.
 */
int elf_read(const char *path, struct elf_facts *out);
void elf_free(struct elf_facts *f);

bool elf_has(const struct intern *names, const char *name);

/** "x86-64", "aarch64" ... */
const char *elf_machine_name(uint16_t machine);

#endif
