#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazards A2, H2: with another allocator preloaded before and behind the library nothing recurses or hangs.
. "$TESTS/lib.sh"
found=0
for allocator in libjemalloc.so.2 libtcmalloc_minimal.so.4; do
	path=$(ldconfig -p | awk -v n=$allocator '$1 == n {print $NF; exit}')
	[ -n "$path" ] || continue
	found=1
	for order in "$PRELOAD:$path" "$path:$PRELOAD"; do
		for command in "/bin/true" "/bin/sh -c /bin/true" "$BUILD/tests/preload/roundtrip"; do
			LD_PRELOAD=$order CTXAGENT_DIR=$RING timeout -k 1 5 $command >"$WORK/out" 2>&1 || {
				cat "$WORK/out"
				fail "$order $command: status $?"
			}
		done
	done
done
[ $found = 1 ] || skip "neither jemalloc nor tcmalloc is installed"
