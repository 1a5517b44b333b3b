/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time as the kernel tells it, not as libc's clock_gettime does: libfaketime and its like
 * interpose that name, and a faked clock would corrupt every timestamp (hazard H3).
 *
 * Context: any thread, signal-safe, no locks; no system call where the kernel's vDSO reads the
 * clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/** Looks the vDSO's function up. Once, at start; before that the clocks are read by system call. */
void clock_init(void);

/** CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_monotonic(void);

/** CLOCK_REALTIME: nanoseconds since 1970. */
uint64_t clock_realtime(void);

#endif
