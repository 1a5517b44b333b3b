#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spans to an OTLP/HTTP receiver: both encodings, compression, headers, retries, partial success, TLS, a
# receiver that is down, following a directory. timeout: 180
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

RECEIVER=0
stop_receiver() {
	[ $RECEIVER = 0 ] || { kill $RECEIVER && wait $RECEIVER; } 2>/dev/null
	RECEIVER=0
}
trap 'stop_receiver; [ -z "${OWN:-}" ] || rm -rf "$WORK"' EXIT
case $WORK in /tmp/tmp.*) OWN=1 ;; esac

# receiver ANSWER...: a fresh one, on $URL, its log $LOG empty.
receiver() {
	stop_receiver
	LOG=$WORK/received
	rm -f "$WORK/port" "$LOG"
	: >"$LOG"
	$PYTHON "$(dirname "$0")/receiver.py" "$WORK/port" "$LOG" "$@" 2>"$WORK/receiver.err" &
	RECEIVER=$!
	eventually test -s "$WORK/port" || { not_ok "receiver" "does not start"; finish; }
	URL=http://127.0.0.1:$(cat "$WORK/port")
}

# received EXPRESSION: a Python expression over requests (list) and spans (list of all their spans).
received() {
	$PYTHON -c 'import json, sys
requests = [json.loads(line) for line in open(sys.argv[1])]
spans = [s for r in requests for s in r["spans"]]
good = [s for r in requests if r["answer"] == "200" for s in r["spans"]]
print(eval(sys.argv[2]))' "$LOG" "$1"
}

D=$WORK/ring
T=0af7651916cd43dd8448eb211c80319c
"$MAKE_RING" "$D" executable=nginx service=shop "resource=deployment.environment=a%20b" context=job.id=7 \
	"trace=$T|span=00f067aa0ba902b7|parent=0102030405060708|remote=1|rule=4|http.request.method=GET|url.path=/a|http.response.status_code=200|ctxagent.tracestate=k=v"

# What one span looks like at the receiver.
check_span() {
	is "$1: one request" 1 "$(received 'len(requests)')"
	is "$1: path" /v1/traces "$(received 'requests[0]["path"]')"
	is "$1: ids" "$T 00f067aa0ba902b7 0102030405060708" "$(received '" ".join(spans[0][k] for k in ("trace", "id", "parent"))')"
	is "$1: name, kind, flags" "GET 2 769" "$(received '"%s %s %s" % tuple(spans[0][k] for k in ("name", "kind", "flags"))')"
	is "$1: it took a millisecond" 1000000 "$(received 'spans[0]["end"] - spans[0]["start"]')"
	is "$1: it was now" True "$(received 'abs(spans[0]["start"] / 1e9 - __import__("time").time()) < 600')"
	is "$1: attributes" "GET /a 200 exact R4 7" "$(received '" ".join(spans[0]["attributes"][k] for k in ("http.request.method", "url.path", "http.response.status_code", "ctxagent.tier", "ctxagent.rule", "job.id"))')"
	is "$1: tracestate" "k=v" "$(received 'spans[0]["state"]')"
	is "$1: resource" "shop a b nginx linux ctxagent cpp" "$(received '" ".join(spans[0]["resource"][k] for k in ("service.name", "deployment.environment", "process.executable.name", "os.type", "telemetry.sdk.name", "telemetry.sdk.language"))')"
}

receiver 200
status "protobuf" 0 "$CTXAGENT" export --dir "$D" --otlp "$URL"
check_span "protobuf"
is "protobuf: content type" application/x-protobuf "$(received 'requests[0]["headers"]["content-type"]')"
is "protobuf: not compressed" None "$(received 'requests[0]["headers"].get("content-encoding")')"
status "again" 0 "$CTXAGENT" export --dir "$D" --otlp "$URL"
is "again: exporting changes nothing and can be repeated" 2 "$(received 'len(spans)')"

receiver 200:json
status "JSON" 0 env OTEL_EXPORTER_OTLP_PROTOCOL=http/json OTEL_EXPORTER_OTLP_ENDPOINT="$URL/" \
	OTEL_EXPORTER_OTLP_HEADERS="api-key=s%3De%20c,x-two=2" OTEL_EXPORTER_OTLP_COMPRESSION=gzip \
	"$CTXAGENT" export --dir "$D"
check_span "JSON"
is "JSON: content type" application/json "$(received 'requests[0]["headers"]["content-type"]')"
is "JSON: headers" "s=e c 2" "$(received 'requests[0]["headers"]["api-key"] + " " + requests[0]["headers"]["x-two"]')"
is "JSON: gzip" gzip "$(received 'requests[0]["headers"]["content-encoding"]')"

receiver 200
status "a full URL" 0 env OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="$URL/other/place" "$CTXAGENT" export --dir "$D"
is "a full URL is taken as it is" /other/place "$(received 'requests[0]["path"]')"
receiver 200
status "gzip, protobuf" 0 env OTEL_EXPORTER_OTLP_COMPRESSION=gzip "$CTXAGENT" export --dir "$D" --otlp "$URL"
check_span "gzip, protobuf"

# Retries.
receiver 503:after=2 200
status "503 with Retry-After" 0 "$CTXAGENT" export --dir "$D" --otlp "$URL"
is "503: tried again" "503 200" "$(received '" ".join(r["answer"] for r in requests)')"
is "503: not before the time it said" True "$(received '2 <= requests[1]["at"] - requests[0]["at"] < 5')"
is "503: the same spans" 1 "$(received 'len({s["id"] for s in spans})')"
says "503: said once" "HTTP status 503; trying again"
receiver 429 502 504 200
status "429, 502, 504" 0 "$CTXAGENT" export --dir "$D" --otlp "$URL"
is "429, 502, 504: tried again" "429 502 504 200" "$(received '" ".join(r["answer"] for r in requests)')"
is "back-off grows" True "$(received 'requests[3]["at"] - requests[2]["at"] > 0.9 and 0.2 < requests[1]["at"] - requests[0]["at"] < 2')"
receiver 500:drop 200
status "a connection that breaks" 0 "$CTXAGENT" export --dir "$D" --otlp "$URL"
is "a connection that breaks: tried again" 2 "$(received 'len(requests)')"
receiver 200:slow=3 200
status "a receiver that is too slow" 0 env OTEL_EXPORTER_OTLP_TIMEOUT=500 "$CTXAGENT" export --dir "$D" --otlp "$URL"
is "a receiver that is too slow: tried again" 2 "$(received 'len(requests)')"
for code in 400 401 404 500; do
	receiver $code
	status "$code is final" 1 "$CTXAGENT" export --dir "$D" --otlp "$URL"
	is "$code is final: not tried again" 1 "$(received 'len(requests)')"
	says "$code is said" "1 spans refused by $URL/v1/traces: HTTP status $code"
done

# Partial success is not retried, and reported.
receiver 200:reject=1
status "partial success" 1 "$CTXAGENT" export --dir "$D" --otlp "$URL"
says "partial success: how many and why" "1 spans refused by .*: too old"
is "partial success: not tried again" 1 "$(received 'len(requests)')"
receiver 200:reject=1:json
status "partial success in JSON" 1 env OTEL_EXPORTER_OTLP_PROTOCOL=http/json "$CTXAGENT" export --dir "$D" --otlp "$URL"
says "partial success in JSON: how many and why" "1 spans refused by .*: too old"
receiver 200:warn=beware
status "a warning" 0 "$CTXAGENT" export --dir "$D" --otlp "$URL"
says "a warning is passed on" "says: beware"
receiver 200:garbage
status "a body that is none of OTLP" 0 "$CTXAGENT" export --dir "$D" --otlp "$URL"

# Many spans: batches, all of them, once.
M=$WORK/many
"$MAKE_RING" "$M" executable=a count=20000
"$MAKE_RING" "$M" executable=b count=3000
receiver 200 200 503:after=1 200
status "many" 0 "$CTXAGENT" export --dir "$M" --otlp "$URL"
is "many: all, once" "23000 23000" "$(received '"%d %d" % (len(good), len({(s["trace"], s["id"]) for s in good}))')"
is "many: at most 512 a request" 512 "$(received 'max(len(r["spans"]) for r in requests)')"
is "many: two processes" "a b" "$(received '" ".join(sorted({s["resource"]["process.executable.name"] for s in good}))')"

# TLS.
if command -v openssl >/dev/null; then
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key" -out "$WORK/crt" -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	cat "$WORK/key" "$WORK/crt" >"$WORK/both"
	export CERT=$WORK/both
	receiver 200
	unset CERT
	status "https" 0 env OTEL_EXPORTER_OTLP_CERTIFICATE="$WORK/crt" "$CTXAGENT" export --dir "$D" --otlp "https${URL#http}"
	is "https: arrived" 1 "$(received 'len(spans)')"
	status "https without the certificate" 1 "$CTXAGENT" export --dir "$D" --otlp "https${URL#http}"
	says "https without the certificate: says why" "[Cc]ertificate"
fi

# Following takes out what it delivers; the directory is empty afterwards, also of what runs left behind.
F=$WORK/follow
"$CTXAGENT" run --quiet --dir "$F" "$MAKE_RING" "$F" executable=before count=100
receiver 503 200
"$CTXAGENT" export --follow --dir "$F" --otlp "$URL" 2>"$WORK/err" &
FOLLOW=$!
"$MAKE_RING" "$F" executable=during count=5000 sleep=1
is_good() { [ "$(received 'len(good)')" = "$1" ]; }
check "following: everything arrives" eventually is_good 5100
status "following: one at a time" 1 "$CTXAGENT" export --follow --dir "$F" --otlp "$URL"
says "following: one at a time: says so" "another ctxagent"
eventually test -z "$(ls "$F" | grep -e ring$ -e spool$)"
kill -TERM $FOLLOW
wait $FOLLOW
is "following: ends well when told to" 0 $?
is "following: once" 5100 "$(received 'len({(s["trace"], s["id"]) for s in good})')"
is "following: nothing is left" "" "$(ls "$F" | grep -e ring$ -e spool$ -e jsonl$)"

# run --otlp.
receiver 200
status "run --otlp" 0 "$CTXAGENT" run --dir "$WORK/r1" --otlp "$URL" "$MAKE_RING" "$WORK/r1" count=2000
says "run --otlp: summary" "2,000 spans sent to $URL/v1/traces"
is "run --otlp: all, once" "2000 2000" "$(received '"%d %d" % (len(spans), len({(s["trace"], s["id"]) for s in spans}))')"
receiver 200
status "run with OTEL_EXPORTER_OTLP_ENDPOINT" 0 env OTEL_EXPORTER_OTLP_ENDPOINT="$URL" \
	"$CTXAGENT" run --dir "$WORK/r2" "$MAKE_RING" "$WORK/r2" count=10
is "run with OTEL_EXPORTER_OTLP_ENDPOINT: sent" 10 "$(received 'len(spans)')"
status "run --out and --otlp" 0 "$CTXAGENT" run --dir "$WORK/r3" --otlp "$URL" --out "$WORK/both.jsonl" \
	"$MAKE_RING" "$WORK/r3" count=700
is "run --out and --otlp: the same to both" "700 710" "$(grep -o '"spanId"' "$WORK/both.jsonl" | wc -l) $(received 'len(spans)')"
receiver 401
status "a receiver that refuses: the program's own status" 3 "$CTXAGENT" run --dir "$WORK/r4" --otlp "$URL" \
	sh -c "'$MAKE_RING' '$WORK/r4' count=10; exit 3"
says "a receiver that refuses: what was refused is kept" "10 spans not delivered (HTTP status 401), kept in $WORK/r4/undelivered"
stop_receiver
start=$(date +%s)
status "a receiver that is down: the program's own status" 0 "$CTXAGENT" run --dir "$WORK/r5" --otlp "$URL" \
	"$MAKE_RING" "$WORK/r5" count=1500
check "a receiver that is down: the end does not wait for ever" test $(($(date +%s) - start)) -lt 15
kept() { { cat "$WORK"/r5/undelivered-*.jsonl; "$CTXAGENT" export --dir "$WORK/r5" --out -; } | grep -o '"spanId":"[0-9a-f]*"' | sort -u | wc -l; }
is "a receiver that is down: nothing is lost" 1500 "$(kept)"

# The doctor asks the receiver.
receiver 200
status "doctor: a receiver that answers" 0 env OTEL_EXPORTER_OTLP_ENDPOINT="$URL" "$CTXAGENT" doctor
says "doctor: says so" "^OK    endpoint: $URL/v1/traces accepts spans" "$WORK/out"
stop_receiver
status "doctor: a receiver that is down" 1 env OTEL_EXPORTER_OTLP_ENDPOINT="$URL" "$CTXAGENT" doctor
says "doctor: says what to do" "^FAIL  endpoint: .*; start the receiver" "$WORK/out"
finish
