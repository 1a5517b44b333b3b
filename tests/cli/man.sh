#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The man pages render without warnings and know every option and setting; the completion completes.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
CLI=$TESTS/../agent/cli

"$CTXAGENT" help settings --roff >"$WORK/settings"
"$CTXAGENT" help counters --roff >"$WORK/counters"
sed -e "/^\.\\\\\" SETTINGS/r $WORK/settings" -e "/^\.\\\\\" COUNTERS/r $WORK/counters" "$CLI/libctxagent.7" >"$WORK/libctxagent.7"
cp "$CLI/ctxagent.1" "$WORK"
if command -v man >/dev/null; then
	for page in ctxagent.1 libctxagent.7; do
		MANWIDTH=80 man --warnings -E UTF-8 -l "$WORK/$page" >"$WORK/$page.txt" 2>"$WORK/$page.err"
		is "$page renders without warnings" "" "$(cat "$WORK/$page.err")"
		check "$page has text" test "$(wc -l <"$WORK/$page.txt")" -gt 60
	done
	for name in $("$CTXAGENT" help settings | sed -n 's/^\([A-Z][A-Z0-9_]*\).*/\1/p'); do
		grep -q "$name" "$WORK/libctxagent.7.txt" || not_ok "libctxagent.7 knows the settings" "$name"
	done
	for name in $("$CTXAGENT" help counters | cut -d' ' -f1); do
		grep -q "^ *$name\( \|$\)" "$WORK/libctxagent.7.txt" || not_ok "libctxagent.7 knows the counters" "$name"
	done
fi
commands=$("$CTXAGENT" help | sed -n 's/^  \([a-z]*\) .*/\1/p')
for command in $commands; do
	check "ctxagent.1 knows $command" grep -q "^\.SS $command$" "$CLI/ctxagent.1"
	for option in $("$CTXAGENT" help "$command" | sed -n 's/^  --\([a-z]*\).*/\1/p'); do
		sed -n "/^\.SS $command$/,/^\.S[SH] /p" "$CLI/ctxagent.1" | grep -q "^\.BI* .*\\\\-\\\\-$option" ||
			not_ok "ctxagent.1 knows the options of $command" "--$option"
	done
done

# completes NAME WANT WORD...: the words so far, the last one being completed.
completes() {
	local name=$1 want=$2
	shift 2
	is "completion: $name" "$want" "$(PATH=$BIN:$PATH bash -c '
		. "$0" || exit 1
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_ctxagent
		printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' "$CLI/ctxagent.bash" ctxagent "$@" 2>&1)"
}
completes "commands" "$(printf '%s\n' $commands --version --help | sort | tr '\n' ' ')" ""
completes "a command" "show " sh
completes "options" "--counters --dir --help --trace " show --
completes "an option" "--quiet " run --q
completes "topics" "settings show " help s
completes "a directory" "$BIN " show --dir "$BIN"
completes "a program" "ctxagent " run ctxage
completes "files of the program" "$BIN/ctxagent " run --dir x cat "$BIN/ctx"
check "completion is registered" bash -c '. "$0"; complete -p ctxagent | grep -q _ctxagent' "$CLI/ctxagent.bash"
finish
