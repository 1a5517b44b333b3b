#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dash, which starts its commands with vfork: a thousand of them, substitutions, signals, background jobs.
. "$TESTS/lib.sh"
need dash
cd "$WORK" || exit 1
cat >script <<'SHELL'
i=0
while [ $i -lt 1000 ]; do /bin/true || echo failed; i=$((i + 1)); done
echo $i
ls / >list; cksum <list
x=$(/bin/echo substituted); echo "$x"
/nonexistent/command; echo "status $?"
(exit 9); echo "status $?"
sleep 0.1 & wait $!; echo "status $?"
trap 'echo trapped' USR1; kill -USR1 $$; echo on
sleep 5 & kill -TERM $!; wait $!; echo "status $?"
/bin/sh -c 'exec /bin/echo nested'
SHELL
same dash script
expect_status 0
