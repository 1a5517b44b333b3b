#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard A3: an object with 1 KiB of initial-exec thread-local storage can still be loaded by dlopen.
. "$TESTS/lib.sh"
cd "$WORK" || exit 1
gcc -shared -fPIC -ftls-model=initial-exec -o libtls.so "$SOURCE/parts/tls_object.c" || fail compile
gcc -o loads "$SOURCE/parts/loads.c" -ldl || fail compile
same ./loads ./libtls.so
expect_status 0
