#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `ctxagent show`: trees, one trace, counters, colour, hostile files, which directory is shown.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

D=$WORK/ring
BASE=1700000000000000000
T=0af7651916cd43dd8448eb211c80319c
"$MAKE_RING" "$D" executable=haproxy service=edge base=$BASE \
	"trace=$T|span=0000000000000001|start=0|ms=123|http.request.method=GET|url.path=/a|http.response.status_code=200" \
	"trace=$T|span=0000000000000002|parent=0000000000000001|kind=3|start=20|ms=110|http.request.method=GET|url.full=http://h/a|http.response.status_code=200"
"$MAKE_RING" "$D" executable=nginx base=$BASE \
	"trace=$T|span=0000000000000003|parent=0000000000000002|remote=1|start=50|ms=100|status=2|http.request.method=GET|url.path=/a|http.response.status_code=502|error.type=502" \
	"trace=ffffffffffffffffffffffffffffffff|span=0000000000000009|parent=00000000000000aa|remote=1|start=100|ms=1|http.request.method=PUT|url.path=/b"
cat >"$WORK/want" <<END
trace $T  3 spans, 2 services, 150 ms, 2023-11-14 22:13:20.000
      +0 ms     123 ms  GET /a  200  server  edge
   +20.0 ms     110 ms    GET /a  200  client  edge
   +50.0 ms     100 ms      GET /a  502  error  server  unknown_service:nginx

trace ffffffffffffffffffffffffffffffff  1 span, 1 service, 1.00 ms, 2023-11-14 22:13:20.100
      +0 ms    1.00 ms  PUT /b  server  unknown_service:nginx  (caller 00000000000000aa is not here)
END
# each process reads two clocks to know what time it is: some microseconds of drift are not ours
near() {
	sed -E 's/\+(19\.9|20\.[01]) ms/+20.0 ms/; s/\+(49\.9|50\.[01]) ms/+50.0 ms/; s/13:19\.999/13:20.000/; s/20\.099/20.100/'
}
status "two traces" 0 "$CTXAGENT" show --dir "$D"
near <"$WORK/out" >"$WORK/near"
check "two traces: as a person should see them" diff "$WORK/want" "$WORK/near"
status "one trace" 0 "$CTXAGENT" show --dir "$D" --trace $T
is "one trace: only that" "$T" "$(grep -o '^trace [0-9a-f]*' "$WORK/out" | cut -d' ' -f2)"
status "by the beginning of its id, any case" 0 "$CTXAGENT" show --dir "$D" --trace FFF
is "by the beginning: only that" 1 "$(grep -c '^trace f' "$WORK/out")"
status "an unknown trace" 1 "$CTXAGENT" show --dir "$D" --trace 1234
says "an unknown trace is said" "no trace 1234"
status "counters" 0 "$CTXAGENT" show --dir "$D" --counters
says "counters: summed over processes" '^spans  *4  ' "$WORK/out"
says "counters: how many processes" '^2 processes' "$WORK/out"
is "reading changes nothing" 2 "$(ls "$D"/*.ring | wc -l)"

# Colour only on a terminal.
is "no colour in a pipe" 0 "$("$CTXAGENT" show --dir "$D" | grep -c "$(printf '\033')")"
on_terminal() {
	$PYTHON -c 'import os, pty, sys
os.environ.update(dict(a.split("=", 1) for a in sys.argv[1].split()))
pty.spawn(sys.argv[2:], lambda fd: os.read(fd, 65536))' "$@" </dev/null
}
is "colour on a terminal" 1 "$(on_terminal "TERM=xterm" "$CTXAGENT" show --dir "$D" | grep -c "$(printf '\033')\[31merror")"
is "NO_COLOR" 0 "$(on_terminal "TERM=xterm NO_COLOR=1" "$CTXAGENT" show --dir "$D" | grep -c "$(printf '\033')")"
is "a dumb terminal" 0 "$(on_terminal "TERM=dumb" "$CTXAGENT" show --dir "$D" | grep -c "$(printf '\033')")"

# What a hostile writer may do to a reader: control characters, garbage.
"$MAKE_RING" "$WORK/evil" "service=$(printf 'a\033]0;x\007')" "url.path=$(printf '/\033[2J')"
is "no control characters reach the terminal" 0 "$("$CTXAGENT" show --dir "$WORK/evil" | grep -c "$(printf '[\033\007]')")"
mkdir -m 700 "$WORK/junk"
head -c 400000 /dev/urandom >"$WORK/junk/123-18ea503ddaf9de34.ring"
: >"$WORK/junk/124-18ea503ddaf9de34.ring"
ln -s /etc/passwd "$WORK/junk/125-18ea503ddaf9de34.ring"
chmod 600 "$WORK"/junk/123* "$WORK"/junk/124*
status "garbage" 0 "$CTXAGENT" show --dir "$WORK/junk"
says "garbage is said" "files were left out"
status "an empty directory" 0 "$CTXAGENT" show --dir "$(mkdir -m 700 "$WORK/empty" && echo "$WORK/empty")"
says "an empty directory is said" "no spans in"
mkdir -m 777 "$WORK/open" && chmod 777 "$WORK/open"
status "a directory that others may write" 1 "$CTXAGENT" show --dir "$WORK/open"
says "a directory that others may write: what to do" "chmod 700"

# Without --dir: what was written to last.
"$CTXAGENT" run --quiet sh -c "'$MAKE_RING' \$CTXAGENT_DIR executable=first count=1"
sleep 0.05
"$CTXAGENT" run --quiet sh -c "'$MAKE_RING' \$CTXAGENT_DIR executable=second count=1"
status "the latest run" 0 "$CTXAGENT" show
says "the latest run: that one" "unknown_service:second" "$WORK/out"
sleep 0.05
"$MAKE_RING" "$HOME/.local/state/ctxagent" executable=third count=1
status "a bare preload after it" 0 "$CTXAGENT" show
says "a bare preload after it: that one" "unknown_service:third" "$WORK/out"
for _ in $(seq 20); do
	"$CTXAGENT" run --quiet true
done
check "old runs are removed" test "$(ls "$HOME/.local/state/ctxagent/runs" | wc -l)" -le 16
status "a full disk" 1 sh -c "exec '$CTXAGENT' show --dir '$D' >/dev/full"
finish
