#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard A1: calls that come before our constructor: from preinit_array, from a constructor of the program,
# of a library it needs, and of a library preloaded behind and before ours.
. "$TESTS/lib.sh"
cd "$WORK" || exit 1
gcc -shared -fPIC -o libearly.so "$SOURCE/parts/early_lib.c" || fail compile
gcc -o early "$SOURCE/parts/early.c" -L. -learly -Wl,-rpath,"$WORK" || fail compile
same ./early
expect_status 0
for order in "$WORK/libearly.so:$PRELOAD" "$PRELOAD:$WORK/libearly.so"; do
	LD_PRELOAD=$order CTXAGENT_DIR=$RING ./early >early.out 2>&1 || fail "status $? with $order"
	{ cat early.out; echo "-- stderr"; echo "-- status 0"; } | cmp - out.without || fail "other output with $order"
done
