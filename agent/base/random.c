/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeding of the id generator. See random.h.
 */
#include "base/random.h"

#include <string.h>

#include "base/clock.h"
#include "base/sys.h"

/* One step of splitmix64: spreads poor entropy over all bits. */
static uint64_t random_mix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void random_seed(struct random *r, uint64_t salt, _Bool may_call)
{
	uint64_t x;

	if (may_call && sys_getrandom(r->state, sizeof(r->state)) == (long)sizeof(r->state))
		return;
	/* the old state is random already; salt (pid, tid, generation) keeps forks apart */
	x = salt ^ clock_monotonic() ^ clock_realtime() << 20 ^ (uintptr_t)r;
	for (int i = 0; i < 4; i++)
		r->state[i] ^= random_mix(&x);
	if (!(r->state[0] | r->state[1] | r->state[2] | r->state[3]))
		r->state[0] = 1;
}

void random_bytes(struct random *r, void *out, size_t len)
{
	uint64_t any = 0;
	char *to = out;

	do {
		for (size_t i = 0; i + 8 <= len; i += 8) {
			uint64_t x = random_next(r);

			memcpy(to + i, &x, 8);
			any |= x;
		}
	} while (!any);
}
