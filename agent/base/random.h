/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers for ids: xoshiro256** (Blackman and Vigna), one state per thread, seeded from the
 * kernel. Not for secrets. The owner reseeds after a fork: two processes must never share a state.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state[4];
};

/** Seeds from getrandom(); without it (@may_call false, or refused) from @salt, clocks and the old
 * state. */
void random_seed(struct random *r, uint64_t salt, _Bool may_call);

static inline uint64_t random_rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline uint64_t random_next(struct random *r)
{
	uint64_t *s = r->state;
	uint64_t result = random_rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = random_rotate(s[3], 45);
	return result;
}

/** Fills @len bytes (a multiple of 8), never all of them zero. */
void random_bytes(struct random *r, void *out, size_t len);

#endif
