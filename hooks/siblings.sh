#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compares hooks.def with the libc on this machine: every sibling of an interposed function (the same
# name with __ before it, _chk or _nocancel behind it, 64 in it) is interposed too, or stands in
# unhooked.txt with a reason; and no line there is stale.
#
#     siblings.sh [LIBC]           without LIBC: that of the compiler's target
set -eu
here=$(dirname "$0")
compiler=${CC:-cc}
libc=${1:-$($compiler -print-file-name=libc.so.6)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

"$here/exports.sh" --names "$compiler" >"$work/hooked"
# What programs can import: functions with a public version.
nm -D --defined-only "$libc" | awk '$2 ~ /^[TWiVu]$/ { print $3 }' | grep -v '@GLIBC_PRIVATE' |
	sed 's/@.*//' | sort -u >"$work/libc"
grep -v -e '^#' -e '^$' "$here/unhooked.txt" >"$work/lines"
awk '{ print $1 }' "$work/lines" | sort >"$work/unhooked"

failed=0
complain() {
	echo "siblings: $*" >&2
	failed=1
}

# A libc that has none of our functions was not read right.
[ "$(comm -12 "$work/hooked" "$work/libc" | wc -l)" -ge 60 ] || complain "$libc: hardly a function of the table in it"

# name -> what it is a variant of
variants() {
	awk '{
		base = $1
		sub(/^_IO_/, "", base)
		sub(/^__libc_/, "", base)
		sub(/^__/, "", base)
		sub(/_chk$/, "", base)
		sub(/_nocancel$/, "", base)
		sub(/64/, "", base)
		print base, $1
	}' "$1" | sort
}
variants "$work/hooked" | awk '{ print $1 }' | sort -u >"$work/bases"
variants "$work/libc" | join - "$work/bases" | awk '{ print $2 }' | sort >"$work/siblings"
for name in $(sort "$work/hooked" "$work/unhooked" | uniq | comm -13 - "$work/siblings"); do
	complain "$name: a sibling of an interposed function; add a row to hooks.def, or a line to unhooked.txt"
done

for name in $(comm -12 "$work/hooked" "$work/unhooked"); do
	complain "unhooked.txt: $name is interposed: remove the line"
done
for name in $(comm -13 "$work/libc" "$work/unhooked"); do
	complain "unhooked.txt: $name is no function of $libc: remove the line"
done
for name in $(uniq -d "$work/unhooked"); do
	complain "unhooked.txt: $name stands there twice"
done
while read -r name reason; do
	[ -n "$reason" ] || complain "unhooked.txt: $name has no reason"
done <"$work/lines"

[ $failed = 0 ] && echo "siblings: $(wc -l <"$work/siblings") names of $(basename "$(readlink -f "$libc")") looked at"
exit $failed
