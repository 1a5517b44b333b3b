/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who says that the process has one thread. See atomic.h.
 */
#include "base/atomic.h"

#include <stddef.h>

static const char base_many = 0;
const char *base_single_threaded = &base_many;

void base_threads_tell(const char *flag)
{
	base_single_threaded = flag ? flag : &base_many;
}
