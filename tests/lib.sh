# SPDX-License-Identifier: Apache-2.0
# What the shell tests share; sourced by tests/{preload,cli,apps}/*.sh, which tests/run starts with
# BUILD, PRELOAD (the library), CTXAGENT (the program), WORK (an empty directory of its own), TESTS (tests/)
# and PROGRAM (the program of the same name, if there is one). Servers started here end with the test.
# shellcheck shell=bash

set -u
: "${BUILD:?}" "${PRELOAD:?}" "${CTXAGENT:?}" "${WORK:?}" "${TESTS:?}"
RING=$WORK/ring
mkdir -p -m 700 "$RING"
STARTED=()
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || PYTHON=python3

fail() {
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

# Ends what was started here, by its process id, and waits for it.
stop_all() {
	local pid
	for pid in "${STARTED[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${STARTED[@]}"; do
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.02
		done
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	STARTED=()
}
trap stop_all EXIT

# agent COMMAND...: runs it under the library, its records in $RING.
agent() {
	env LD_PRELOAD="$PRELOAD" CTXAGENT_DIR="$RING" "$@"
}

# start COMMAND...: in the background, its output in $WORK/server.log.
start() {
	"$@" >>"$WORK/server.log" 2>&1 </dev/null &
	STARTED+=($!)
}

# start_agent COMMAND...: the same, under the library.
start_agent() {
	start env LD_PRELOAD="$PRELOAD" CTXAGENT_DIR="$RING" "$@"
}

free_port() {
	$PYTHON -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_port PORT: until somebody listens there.
wait_port() {
	local _
	for _ in $(seq 200); do
		(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
		sleep 0.05
	done
	cat "$WORK/server.log" 2>/dev/null
	fail "nothing listens on port $1"
}

# spans EXPECTATION...: what $RING must hold; see tests/spans.py.
spans() {
	$PYTHON "$TESTS/spans.py" "$CTXAGENT" "$RING" "$@" || fail "the records are not right"
}

# Output that differs from run to run (dates, ports, process ids) is made equal here; tests redefine it.
normalise() {
	cat
}

# one_way NAME COMMAND...: leaves its output and status in $WORK/out.NAME.
one_way() {
	local name=$1 status
	shift
	"$@" >"$WORK/raw" 2>"$WORK/raw.err" </dev/null
	status=$?
	{ normalise <"$WORK/raw"; echo "-- stderr"; normalise <"$WORK/raw.err"; echo "-- status $status"; } >"$WORK/out.$name"
}

# same COMMAND...: without the library, under it, and under it but disabled: the same bytes and status.
same() {
	one_way without "$@"
	one_way agent env LD_PRELOAD="$PRELOAD" CTXAGENT_DIR="$RING" "$@"
	one_way disabled env OTEL_SDK_DISABLED=true LD_PRELOAD="$PRELOAD" CTXAGENT_DIR="$RING" "$@"
	for way in agent disabled; do
		cmp -s "$WORK/out.without" "$WORK/out.$way" || {
			diff "$WORK/out.without" "$WORK/out.$way" | head -40
			fail "not the same ($way): $*"
		}
	done
}

# stop_last: ends what was started last.
stop_last() {
	local last=$((${#STARTED[@]} - 1)) rest
	rest=("${STARTED[@]:0:last}")
	STARTED=("${STARTED[last]}")
	stop_all
	STARTED=("${rest[@]}")
}

# same_server START FETCH: START starts a server on $PORT with `start "${UNDER[@]}" server ...`, FETCH talks
# to it. Without the library, under it, and under it but disabled, FETCH must print the same.
same_server() {
	local way
	for way in without agent disabled; do
		PORT=$(free_port)
		UNDER=(env WAY=$way)
		[ $way = without ] || UNDER+=(LD_PRELOAD="$PRELOAD" CTXAGENT_DIR="$RING")
		[ $way = disabled ] && UNDER+=(OTEL_SDK_DISABLED=true)
		"$1"
		wait_port "$PORT"
		"$2" 2>&1 | sed "s/127\.0\.0\.1:$PORT/127.0.0.1:PORT/g; s/^Date: .*/Date: D/; s/port $PORT/port PORT/" |
			normalise >"$WORK/out.$way"
		sleep 0.2 # a span is recorded behind the write that ends it
		stop_last
		[ ! -e "$WORK/origin.log" ] || mv "$WORK/origin.log" "$WORK/origin.$way.log"
		[ -s "$WORK/out.without" ] || fail "nothing came from the server"
		cmp -s "$WORK/out.without" "$WORK/out.$way" || {
			diff "$WORK/out.without" "$WORK/out.$way" | head -40
			fail "the server does not answer the same ($way)"
		}
	done
}

# start_origin: a plain server behind the one under test, on $ORIGIN; what it was asked is in $WORK/origin.log.
start_origin() {
	ORIGIN=$(free_port)
	start $PYTHON "$TESTS/apps/origin.py" "$ORIGIN" "$WORK/origin.log"
	wait_port "$ORIGIN"
}

# origin_contexts N: at least N requests that the origin got from a traced program brought one context each, and
# each is that of an exported client span.
origin_contexts() {
	local log=$WORK/origin.agent.log
	[ -e "$log" ] || log=$WORK/origin.log
	$PYTHON - "$TESTS" "$CTXAGENT" "$RING" "$log" "$1" <<-'PROGRAM' || fail "the origin saw other contexts"
		import sys
		sys.path.insert(0, sys.argv[1])
		import spans
		known = {f"00-{s.trace}-{s.id}" for s in spans.load(sys.argv[2], sys.argv[3]) if s.kind == "CLIENT"}
		lines = [line.split() for line in open(sys.argv[4]) if " none" not in line]
		bad = [line for line in lines if len(line) != 3 or line[2][:52] not in known]
		if bad or len(lines) < int(sys.argv[5]):
		    sys.exit(f"{len(lines)} requests with a context, {len(bad)} of them not recorded: {bad[:3]}")
	PROGRAM
}

# expect_status N: of the last `same`.
expect_status() {
	grep -q "^-- status $1$" "$WORK/out.without" || {
		cat "$WORK/out.without"
		fail "the status is not $1 even without the library"
	}
}
