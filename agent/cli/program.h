/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the user typed to the file that the kernel runs: PATH and "#!" lines.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

/**
 * The file that execvp(@name) would start, after "#!" lines: the interpreter that really runs.
 * Writes its path to @out and, when a script led there, the script's to @script (else ""). Both
 * have PATH_MAX bytes. Returns 0 or a negative errno (-ENOENT, -EACCES).
 */
int program_find(const char *name, char *out, char *script);

#endif
