#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard A8: a dynamically linked program without libc runs as before.
. "$TESTS/lib.sh"
cd "$WORK" || exit 1
interpreter=$(readelf -l /bin/true | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
gcc -O1 -ffreestanding -fno-stack-protector -nostdlib -fPIE -pie -Wl,-dynamic-linker,"$interpreter" -o nolibc \
	"$SOURCE/parts/nolibc.c" || fail compile
same ./nolibc
expect_status 7
