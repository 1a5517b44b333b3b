#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard A9: a program of musl with the library preloaded runs as before (passively or not), and the
# library of a musl program (none of ours) leaves a glibc program alone.
. "$TESTS/lib.sh"
need musl-gcc
cd "$WORK" || exit 1
musl-gcc -std=gnu11 -D_GNU_SOURCE -O1 -idirafter /usr/include -idirafter "/usr/include/$(gcc -dumpmachine)" \
	-o hello "$SOURCE/parts/hello.c" || fail compile
readelf -l hello | grep -q 'interpreter.*musl' || fail "not a dynamic musl program"
same ./hello
expect_status 0
