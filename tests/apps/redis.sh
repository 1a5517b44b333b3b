#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# redis-server and redis-cli: the same answers with and without; another protocol leaves no span, and the
# benchmark loses no request.
. "$TESTS/lib.sh"
need redis-server redis-cli redis-benchmark
run_server() {
	start "${UNDER[@]}" "$(command -v redis-server)" --port "$PORT" --bind 127.0.0.1 --save '' --appendonly no \
		--dir "$WORK/$WAY" --io-threads 2 --daemonize no
}
talk() {
	local cli=(redis-cli -p "$PORT")
	[ "$WAY" = without ] || cli=(env LD_PRELOAD="$PRELOAD" CTXAGENT_DIR="$RING" "${cli[@]}")
	"${cli[@]}" ping
	"${cli[@]}" set key "GET / HTTP/1.1"
	"${cli[@]}" get key
	"${cli[@]}" rpush list a b c
	"${cli[@]}" lrange list 0 -1
	"${cli[@]}" eval 'return redis.call("strlen", KEYS[1])' 1 key
	"${cli[@]}" nonsense
	seq 1 2000 | sed 's/.*/set n& &/' | "${cli[@]}" --pipe 2>&1 | tail -1
	"${cli[@]}" dbsize
	"${cli[@]}" save
	redis-benchmark -p "$PORT" -n 20000 -c 20 -P 4 -t set,get,incr -q | tr '\r' '\n' | sed -n 's/^\([A-Z]*\): [0-9.]* requests per second.*/\1 done/p'
}
for WAY in without agent disabled; do
	PORT=$(free_port)
	UNDER=(env WAY=$WAY)
	[ $WAY = without ] || UNDER+=(LD_PRELOAD="$PRELOAD" CTXAGENT_DIR="$RING")
	[ $WAY = disabled ] && UNDER+=(OTEL_SDK_DISABLED=true)
	mkdir -p "$WORK/$WAY"
	run_server
	wait_port "$PORT"
	talk >"$WORK/out.$WAY" 2>&1
	stop_last
	diff "$WORK/out.without" "$WORK/out.$WAY" || fail "not the same: $WAY"
done
[ "$(grep -c done "$WORK/out.agent")" = 3 ] || { cat "$WORK/out.agent"; fail "the benchmark did not finish"; }
spans
