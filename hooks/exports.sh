#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The linker's version script, made from hooks.def, on stdout. With --names just the exported names,
# for the checks.
#
#     exports.sh [--names] COMPILER
#
# On x86-64 some functions have two versions, so the script needs version nodes, and then it cannot
# list names without a version: -fvisibility=hidden keeps all but the table's inside, as
# `exports.sh --names` and `nm -D` prove. Elsewhere the script is the list.
set -eu
names=
if [ "${1-}" = --names ]; then
	names=yes
	shift
fi
compiler=${1:-cc}
here=$(dirname "$0")

# One row a line: symbol, version ("-": none), name of the body.
rows() {
	{
		echo '#define HOOK(ret, name, params, args, version) @ name - name'
		echo '#define HOOK_OLD(ret, name, params, args, version, missing, symbol) @ symbol version name'
		echo '#define HOOK_CODE(ret, name, params, args, version, missing) @ name version name'
		echo '#include "hooks.def"'
	} | $compiler -E -P -I"$here" -x c - | sed -n 's/NULL/-/; s/"//g; s/^ *@ //p'
}

table=$(rows)
if [ -n "$names" ]; then
	echo "$table" | awk '{ print $1 }' | LC_ALL=C sort -u
	exit
fi
echo "$table" | awk '
	{ all[$1] = 1 }
	$2 != "-" { any = 1; nodes[$2] = 1 }
	$2 != "-" && $1 == $3 { names[$2] = names[$2] " " $1 ";" }
	# its name and version come from .symver; only the body has to disappear
	$1 != $3 { bodies[$2] = bodies[$2] " " $3 ";" }
	END {
		if (!any) {
			print "{\n\tglobal:"
			for (name in all)
				print "\t\t" name ";"
			print "\tlocal: *;\n};"
			exit
		}
		for (version in nodes)
			print version " {" (names[version] != "" ? "\n\tglobal:" names[version] : "") \
				(bodies[version] != "" ? "\n\tlocal:" bodies[version] : "") "\n};"
	}'
