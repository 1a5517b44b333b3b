#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gdb under the library, and a program under gdb with the library: batch runs end as before.
. "$TESTS/lib.sh"
need gdb
cd "$WORK" || exit 1
export HOME=$WORK DEBUGINFOD_URLS=
normalise() {
	sed -E 's/process [0-9]+/process N/g; s/0x[0-9a-f]+/ADDRESS/g; /debuginfod|libthread_db|warning: Error disabling address space/d'
}
gdb -batch -nx -ex run /bin/true </dev/null >first 2>&1 && grep -q 'exited normally' first || skip "gdb cannot run programs here"
same gdb -batch -nx -ex 'break write' -ex run -ex 'print 6 * 7' -ex kill --args /bin/echo hello
same gdb -batch -nx -ex 'set startup-with-shell off' -ex "set exec-wrapper env LD_PRELOAD=$PRELOAD CTXAGENT_DIR=$RING" \
	-ex run /bin/true
grep -q 'exited normally' out.agent || fail "the program did not end normally: $(cat out.agent)"
