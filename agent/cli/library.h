/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where libctxagent.so is and how it gets into LD_PRELOAD.
 */
#ifndef CLI_LIBRARY_H
#define CLI_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#define LIBRARY_NAME "libctxagent.so"

/**
 * Finds the library that belongs to this ctxagent: beside the program, in ../lib or in
 * ../lib/ctxagent. Writes its absolute path. Returns 0, -ENOENT, or -EINVAL when the path holds a
 * space or a colon, which LD_PRELOAD cannot express.
 */
int library_find(char *out, size_t cap);

/** True when an LD_PRELOAD value (or NULL) names our library, wherever it lies. */
bool library_is_preloaded(const char *preload);

/** Copy of @preload without our library; free() it. */
char *library_remove(const char *preload);

/**
 * The LD_PRELOAD for a program: @first (a sanitizer runtime that must come first, or NULL), what
 * was there, then @library unless it is there already. free() it.
 */
char *library_preload(const char *first, const char *existing, const char *library);

/** True when a file name or soname is that of an AddressSanitizer runtime (hazards H1). */
bool library_is_asan(const char *name);

#endif
