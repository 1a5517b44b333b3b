/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of OTEL_PROPAGATORS. Called once, at start; propagator.def is the list of names.
 */
#include "context/context.h"

#include <string.h>

#include "base/compiler.h"
#include "context/text.h"

static const struct {
	char name[16];
	unsigned int mask;
} names[] = {
#define PROPAGATOR(id, bit, name) {name, PROPAGATOR_##id},
#include "context/propagator.def"
#undef PROPAGATOR
	{"none", 0},
};

/* The propagator called @t; false when there is none of that name. */
static bool find(struct text t, unsigned int *mask)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (t.len == strlen(names[i].name) && memcmp(t.at, names[i].name, t.len) == 0) {
			*mask = names[i].mask;
			return true;
		}
	}
	return false;
}

unsigned int propagators_parse(const char *list, const char **unknown, size_t *unknown_len)
{
	struct text rest = {list, strlen(list)}, name;
	unsigned int all = 0, mask = 0;
	bool more;

	*unknown = NULL;
	*unknown_len = 0;
	do {
		more = text_cut(&rest, ',', &name);
		name = text_trim(name);
		if (find(name, &mask)) {
			all |= mask;
		} else if (name.len && !*unknown) {
			*unknown = name.at;
			*unknown_len = name.len;
		}
	} while (more);
	return all;
}
