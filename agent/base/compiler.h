/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the compiler is asked for, by name. Every room may include this file; it declares nothing.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define NOINLINE      __attribute__((noinline))
#define COLD          __attribute__((cold, noinline))
#define ALWAYS_INLINE __attribute__((always_inline)) inline

/* The agent's only thread-local storage: initial-exec, at most 256 bytes in all (hazards A3, A4).
 */
#define AGENT_TLS __thread __attribute__((tls_model("initial-exec")))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
