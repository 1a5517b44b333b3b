#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard A7: a version node that an older libc has not would stop every program there. Nothing newer than
# glibc 2.31, and nothing but libc (and libdl, which older ones need) is asked for.
. "$TESTS/lib.sh"
need objdump readelf
newest=$(objdump -T "$PRELOAD" | grep '\*UND\*' | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1)
[ -n "$newest" ] || fail "no versioned symbol: is this the library?"
[ "$(printf '%s\nGLIBC_2.31\n' "$newest" | sort -V | tail -1)" = GLIBC_2.31 ] || {
	objdump -T "$PRELOAD" | grep '\*UND\*' | grep -w "$newest"
	fail "needs $newest"
}
other=$(readelf -d "$PRELOAD" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v -e '^libc\.so\.6$' -e '^libdl\.so\.2$')
[ -z "$other" ] || fail "needs $other"
