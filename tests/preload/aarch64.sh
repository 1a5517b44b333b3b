#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The library built for aarch64 and run under emulation: requests that come and go, small stacks, siglongjmp.
# timeout: 300
. "$TESTS/lib.sh"
need aarch64-linux-gnu-gcc qemu-aarch64
cd "$WORK" || exit 1
make -s -C "$TESTS/.." CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar BUILD="$WORK/build" \
	"$WORK/build/release/libctxagent.so" >build.log 2>&1 || fail "it does not build: $(tail -5 build.log)"
for program in roundtrip small_stacks one_byte longjmp; do
	aarch64-linux-gnu-gcc -std=gnu11 -D_GNU_SOURCE -O2 -pthread -o $program "$TESTS/preload/$program.c" -ldl ||
		fail "$program does not compile"
	qemu-aarch64 -L /usr/aarch64-linux-gnu ./$program >bare 2>&1
	status=$?
	qemu-aarch64 -L /usr/aarch64-linux-gnu -E CTXAGENT_DIR="$RING" -E LD_PRELOAD="$WORK/build/release/libctxagent.so" \
		./$program >traced 2>&1
	[ $? = $status ] || fail "$program: another status than $status: $(tail -3 traced)"
	sed -i '/^traceparent: /Id; /^x-request-id: /Id' bare traced
	cmp -s bare traced || fail "$program: other output: $(diff bare traced | head -5)"
done
"$CTXAGENT" show --dir "$RING" | grep -q '  client  ' || fail "no spans were recorded"
