/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading ELF files with libelf; see elf.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/elf.h"
#include "export/text.h"

bool elf_has(const struct intern *names, const char *name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (!strcmp(names->texts[i], name))
			return true;
	return false;
}

const char *elf_machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_386:
		return "i386";
	case EM_AARCH64:
		return "aarch64";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "riscv";
	case EM_PPC64:
		return "ppc64";
	case EM_S390:
		return "s390";
	default:
		return "another processor";
	}
}

static const char *keep(struct elf_facts *f, const char *s)
{
	return s ? text_copy(&f->arena, s, strlen(s)) : NULL;
}

static void read_interpreter(Elf *elf, struct elf_facts *f, const GElf_Phdr *ph)
{
	size_t size;
	const char *raw = elf_rawfile(elf, &size);

	if (raw && ph->p_offset < size && ph->p_filesz && ph->p_filesz <= size - ph->p_offset)
		f->interpreter = text_copy(&f->arena, raw + ph->p_offset,
					   strnlen(raw + ph->p_offset, ph->p_filesz));
}

static void read_segments(Elf *elf, struct elf_facts *f)
{
	size_t count = 0;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph))
			continue;
		if (ph.p_type == PT_INTERP)
			read_interpreter(elf, f, &ph);
		f->dynamic = f->dynamic || ph.p_type == PT_DYNAMIC;
	}
}

static void read_dynamic(Elf *elf, struct elf_facts *f, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	const char *text;
	GElf_Dyn dyn;

	for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		if (dyn.d_tag != DT_NEEDED && dyn.d_tag != DT_SONAME && dyn.d_tag != DT_RUNPATH &&
		    dyn.d_tag != DT_RPATH)
			continue;
		text = elf_strptr(elf, sh->sh_link, dyn.d_un.d_val);
		if (!text)
			continue;
		if (dyn.d_tag == DT_NEEDED)
			intern_put(&f->needed, text);
		else if (dyn.d_tag == DT_SONAME)
			f->soname = keep(f, text);
		else
			f->runpath = keep(f, text);
	}
}

static void read_symbols(Elf *elf, struct elf_facts *f, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	const char *name;
	GElf_Sym sym;

	for (int i = 1; data && gelf_getsym(data, i, &sym); i++) {
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		if (!name || !*name)
			continue;
		if (sym.st_shndx == SHN_UNDEF)
			intern_put(&f->imports, name);
		else if (GELF_ST_TYPE(sym.st_info) == STT_FUNC ||
			 GELF_ST_TYPE(sym.st_info) == STT_GNU_IFUNC)
			intern_put(&f->exports, name);
	}
}

/** Compares "GLIBC_2.4" and "GLIBC_2.34" as versions. */
static bool newer(const char *name, const char *than)
{
	return !than || strverscmp(name, than) > 0;
}

static void read_versions(Elf *elf, struct elf_facts *f, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	int offset = 0, aux_offset;
	const char *name;
	GElf_Verneed need;
	GElf_Vernaux aux;

	for (size_t i = 0; data && i < sh->sh_info && gelf_getverneed(data, offset, &need); i++) {
		aux_offset = offset + (int)need.vn_aux;
		for (unsigned int k = 0; k < need.vn_cnt && gelf_getvernaux(data, aux_offset, &aux);
		     k++) {
			name = elf_strptr(elf, sh->sh_link, aux.vna_name);
			if (name && !strncmp(name, "GLIBC_2", 7) && newer(name, f->glibc))
				f->glibc = keep(f, name);
			aux_offset += (int)aux.vna_next;
		}
		offset += (int)need.vn_next;
	}
}

static void read_sections(Elf *elf, struct elf_facts *f)
{
	Elf_Scn *scn = NULL;
	const char *name;
	size_t names = 0;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(elf, names, sh.sh_name);
		f->go = f->go || (name && (!strcmp(name, ".note.go.buildid") ||
					   !strcmp(name, ".go.buildinfo")));
		if (sh.sh_type == SHT_DYNAMIC)
			read_dynamic(elf, f, scn, &sh);
		else if (sh.sh_type == SHT_DYNSYM)
			read_symbols(elf, f, scn, &sh);
		else if (sh.sh_type == SHT_GNU_verneed)
			read_versions(elf, f, scn, &sh);
	}
}

int elf_read(const char *path, struct elf_facts *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;
	GElf_Ehdr eh;
	Elf *elf;

	if (fd < 0)
		return -errno;
	memset(out, 0, sizeof(*out));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &eh)) {
		err = -ENOEXEC;
	} else {
		out->elf_class = gelf_getclass(elf);
		out->machine = eh.e_machine;
		out->type = eh.e_type;
		read_segments(elf, out);
		read_sections(elf, out);
	}
	elf_end(elf);
	close(fd);
	return err;
}

void elf_free(struct elf_facts *f)
{
	intern_free(&f->needed);
	intern_free(&f->imports);
	intern_free(&f->exports);
	arena_free(&f->arena);
	memset(f, 0, sizeof(*f));
}
