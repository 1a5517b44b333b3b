#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard F5 and what else may be wrong with the directory: a tmpfs that is too small, one that is full, a
# directory that is not there, not ours, a file, read-only or a symbolic link: the program runs untraced.
. "$TESTS/lib.sh"
program=$BUILD/tests/preload/roundtrip
cd "$WORK" || exit 1

runs_in() {
	TEST_WIRE=/dev/null "$program" >plain 2>&1
	LD_PRELOAD=$PRELOAD CTXAGENT_DIR=$1 TEST_WIRE=/dev/null "$program" >traced 2>&1 || fail "$2: status $?: $(cat traced)"
	cmp plain traced || fail "$2: other output"
}

touch a_file
ln -s "$RING" a_link
runs_in "$WORK/a_file" "a file"
runs_in "$WORK/a_link" "a symbolic link"
runs_in "$WORK/not/there/at/all" "a path that cannot be made"
runs_in relative "a relative path"
runs_in "" "an empty setting"
[ -z "$(ls -A "$RING")" ] || fail "a symbolic link was followed: $(ls -lA "$RING")"
[ -e relative ] && fail "a relative path was used"
[ "$(id -u)" = 0 ] || exit 0
mkdir -m 700 foreign && chown 65534 foreign
runs_in "$WORK/foreign" "somebody else's directory"
[ -z "$(ls -A foreign)" ] || fail "files were made in somebody else's directory"
mkdir -m 777 open && chmod 777 open
runs_in "$WORK/open" "a directory for everybody"
[ -z "$(ls -A open)" ] || fail "files were made in a directory that everybody may write"
mkdir -m 700 small
unshare -m true 2>/dev/null || skip "may not mount a tmpfs here (the rest passed)"
for size in 4k 64k 1m; do
	unshare -m sh -c "mount -t tmpfs -o size=$size,mode=700 none small && exec env \
		LD_PRELOAD='$PRELOAD' CTXAGENT_DIR='$WORK/small' TEST_WIRE=/dev/null '$program'" >traced 2>&1 ||
		fail "tmpfs of $size: status $?: $(cat traced)"
	cmp plain traced || fail "tmpfs of $size: other output"
done
