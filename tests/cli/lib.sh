# SPDX-License-Identifier: Apache-2.0
# Shared by tests/cli/*.sh, which tests/run starts; each prints "ok NAME" or "not ok NAME: why" and ends with 1
# when something was not ok. On their own they need only BUILD=build/release in the environment.
# shellcheck shell=bash

: "${BUILD:?}"
BUILD=$(cd "$BUILD" && pwd)
export PRELOAD=${PRELOAD:-$BUILD/libctxagent.so} TESTS=${TESTS:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
if [ -z "${WORK:-}" ]; then
	WORK=$(mktemp -d)
	trap 'rm -rf "$WORK"' EXIT
fi
chmod 700 "$WORK"
export HOME=$WORK/home TZ=UTC LC_ALL=C.UTF-8
unset XDG_RUNTIME_DIR CTXAGENT_DIR LD_PRELOAD NO_COLOR TRACEPARENT
for name in $(compgen -e OTEL_; compgen -e CTXAGENT_); do
	[ "$name" = CTXAGENT ] || unset "$name"
done
mkdir -p "$HOME"
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || PYTHON=python3
MAKE_RING=$BUILD/tests/cli/make_ring
BAD=0

# The program under test, installed beside a library that does nothing: these tests are about the program.
BIN=$WORK/bin
mkdir -p "$BIN"
cp "$BUILD/ctxagent" "$BIN/ctxagent"
CTXAGENT=$BIN/ctxagent
printf 'long send(int f, const void *b, unsigned long n, int g) { (void)f; (void)b; (void)g; return (long)n; }\n' \
	>"$WORK/stub.c"
${CC:-cc} -shared -fPIC -o "$BIN/libctxagent.so" "$WORK/stub.c" || exit 1

ok() {
	echo "ok $1"
}

not_ok() {
	echo "not ok $1: $2"
	BAD=1
}

# check NAME COMMAND...: ok when it succeeds.
check() {
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name" "failed: $*"; fi
}

# status NAME WANT COMMAND...: its exit status; output in $WORK/out and $WORK/err.
status() {
	local name=$1 want=$2 got
	shift 2
	"$@" >"$WORK/out" 2>"$WORK/err" </dev/null
	got=$?
	if [ "$got" = "$want" ]; then ok "$name"; else
		not_ok "$name" "status $got, not $want: $(head -3 "$WORK/err" | tr '\n' ' ')"
	fi
}

# says NAME PATTERN [FILE]: a line of stderr (or FILE) matches.
says() {
	if grep -q -e "$2" "${3:-$WORK/err}"; then ok "$1"; else
		not_ok "$1" "no '$2' in: $(head -5 "${3:-$WORK/err}" | tr '\n' '|')"
	fi
}

# is NAME WANT GOT
is() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$3', not '$2'"; fi
}

# eventually COMMAND...: tries for five seconds.
eventually() {
	local _
	for _ in $(seq 100); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}

finish() {
	exit $BAD
}
