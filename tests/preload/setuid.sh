#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard D6: a set-user-ID copy of `id`: the same output and no file of ours, whether the loader takes the
# library (bare name, trusted directory) or not.
. "$TESTS/lib.sh"
need setpriv
[ "$(id -u)" = 0 ] || skip "only root can make a set-user-ID copy"
cd "$WORK" || exit 1
cp "$(command -v id)" id_copy && chmod 4755 id_copy
chmod 755 "$WORK"
mkdir -m 777 open && chmod 777 open
cp "$PRELOAD" libctxagent.so && chmod 755 libctxagent.so
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
}
as_nobody ./id_copy -u >plain 2>&1 || fail "status $?"
[ "$(cat plain)" = 0 ] || skip "set-user-ID does not work here"
as_nobody env LD_PRELOAD="$WORK/libctxagent.so" CTXAGENT_DIR="$WORK/open" ./id_copy -u >traced 2>&1 || fail "status $?"
cmp plain traced || fail "other output: $(cat traced)"
[ -z "$(ls -A open)" ] || fail "files were made"
