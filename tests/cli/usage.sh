#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Wrong usage: one clear line on stderr and status 2. Help and version: status 0, to standard output.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

# wrong NAME PATTERN ARGUMENTS...
wrong() {
	local name=$1 pattern=$2
	shift 2
	status "$name: status" 2 "$CTXAGENT" "$@"
	is "$name: one line" 1 "$(wc -l <"$WORK/err")"
	says "$name: says why" "$pattern"
	is "$name: nothing on stdout" 0 "$(wc -c <"$WORK/out")"
}

wrong "no command" "command is missing"
wrong "unknown command" "unknown command frob" frob
wrong "unknown option" "unknown option '--frob'" show --frob
wrong "unknown letter" "unknown option '-x'" show -x
wrong "switch with a value" "takes no value" show --counters=yes
wrong "option without value" "'--dir' needs a value" show --dir
wrong "option with an empty value" "'--dir' needs a value" export --dir '' --out -
wrong "too many operands" "unexpected 'x'" show x
wrong "run without program" "program to run is missing" run
wrong "run with options only" "program to run is missing" run --quiet --
wrong "run with an unknown option" "unknown option '--quiett'" run --quiett true
wrong "export to nowhere" "where to" export
wrong "bad trace id" "no trace id" show --trace xyz
wrong "too long a trace id" "no trace id" show --trace 0123456789abcdef0123456789abcdef0
wrong "bad process id" "no process id" doctor --pid 12x
wrong "program and process" "one program or one process" doctor --pid 1 /bin/true
wrong "no such topic" "no command or topic 'frob'" help frob
wrong "two topics" "one topic" help run show

status "help" 0 "$CTXAGENT" help
cp "$WORK/out" "$WORK/overview"
for word in run show export doctor help; do
	says "help names $word" "^  $word " "$WORK/overview"
	status "help $word" 0 "$CTXAGENT" help $word
	cp "$WORK/out" "$WORK/help"
	says "help $word shows its usage" "^Usage: ctxagent $word" "$WORK/out"
	status "$word --help" 0 "$CTXAGENT" $word --help
	check "$word --help is help $word" cmp -s "$WORK/out" "$WORK/help"
done
status "--help" 0 "$CTXAGENT" --help
status "version" 0 "$CTXAGENT" --version
says "version is one line" '^ctxagent [0-9]*\.[0-9]*\.[0-9]*$' "$WORK/out"
status "help settings" 0 "$CTXAGENT" help settings
says "help settings has the service name" '^OTEL_SERVICE_NAME' "$WORK/out"
says "help settings has defaults" '^OTEL_TRACES_SAMPLER=parentbased_always_on' "$WORK/out"
is "help settings is complete" "$(grep -c '^SETTING(' "$TESTS/../agent/config/config.def")" \
	"$(grep -c '^[A-Z]' "$WORK/out")"
status "help counters" 0 "$CTXAGENT" help counters
says "help counters has the audit" '^audit.contradict ' "$WORK/out"
status "a bad endpoint" 1 "$CTXAGENT" export --otlp ftp://nowhere
says "a bad endpoint is named" "ftp://nowhere"
status "a missing directory" 1 "$CTXAGENT" show --dir "$WORK/nowhere"
says "a missing directory is named" "$WORK/nowhere does not exist"
finish
