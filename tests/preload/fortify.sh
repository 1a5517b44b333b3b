#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard A6: one source built four ways imports different names (read, __read_chk, poll, __poll_chk, ...) and
# must leave the same output and the same trace.
. "$TESTS/lib.sh"
cd "$WORK" || exit 1
n=0
for flags in "-O0" "-O2" "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2" \
	"-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_FILE_OFFSET_BITS=64 -D_LARGEFILE64_SOURCE"; do
	n=$((n + 1))
	gcc -std=gnu11 -D_GNU_SOURCE $flags -I"$SOURCE" -o fortify "$SOURCE/parts/fortify.c" || fail "compile $flags"
	[ $n -lt 3 ] || nm -D fortify | grep -q '__recv_chk' || fail "not fortified: $flags"
	RING=$WORK/ring.$n
	mkdir -m 700 "$RING"
	env -u LD_PRELOAD ./fortify >plain.$n || fail "status $?"
	agent ./fortify >agent.$n || fail "status $? with the agent, $flags"
	cmp plain.$n agent.$n || fail "other output, $flags"
	cmp plain.$n plain.1 || fail "the program itself differs"
	spans 'SERVER GET /0 parent=none status=200' 'SERVER GET /1 parent=none status=200' \
		'SERVER GET /2 parent=none status=200' 'SERVER GET /3 parent=none status=200' \
		'SERVER GET /4 parent=none status=200' \
		'CLIENT GET /out x5 status=200'
done
