#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `ctxagent run`: exit statuses, signals, streams, environment, summary. The library is a stub here; what a
# traced program would write comes from make_ring.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

run() {
	"$CTXAGENT" run --quiet --dir "$WORK/ring" -- "$@"
}

status "status 0" 0 run true
status "status 3" 3 run sh -c 'exit 3'
status "status 255" 255 run sh -c 'exit 255'
status "not found" 127 run /nowhere/at/all
says "not found is said" "/nowhere/at/all: No such file"
status "not found in PATH" 127 run nowhere-at-all
echo 'echo no' >"$WORK/plain"
status "not executable" 126 run "$WORK/plain"
says "not executable is said" "Permission denied"
status "a directory" 126 run /tmp

# A program killed by a signal: the shell sees the same.
for signal in TERM KILL INT SEGV; do
	number=$(kill -l $signal)
	status "killed by $signal" $((128 + number)) run sh -c "kill -$signal \$\$"
	$PYTHON - "$CTXAGENT" "$WORK/ring" "$signal" "$number" <<-'END' 2>/dev/null
		import subprocess, sys
		p = subprocess.run([sys.argv[1], "run", "--quiet", "--dir", sys.argv[2], "sh", "-c", f"kill -{sys.argv[3]} $$"])
		sys.exit(p.returncode != -int(sys.argv[4]))
	END
	check "killed by $signal, as wait() sees it" test $? = 0
done

# Signals sent to ctxagent reach the program, which says which; its end is ours.
cat >"$WORK/trap.sh" <<'END'
for s in HUP INT QUIT TERM USR1 USR2 WINCH CONT; do trap "echo $s >>$1; [ $s = WINCH ] || [ $s = CONT ] || exit 9" $s; done
echo ready >>$1
while :; do sleep 0.05; done
END
for signal in HUP INT QUIT TERM USR1 USR2; do
	rm -f "$WORK/got"
	$PYTHON - "$CTXAGENT" "$WORK/ring" "$WORK/trap.sh" "$WORK/got" "$signal" <<-'END'
		import os, signal, subprocess, sys, time
		for s in (signal.SIGINT, signal.SIGQUIT):	# a shell without job control ignores them for background jobs
		    signal.signal(s, signal.SIG_DFL)
		p = subprocess.Popen([sys.argv[1], "run", "--quiet", "--dir", sys.argv[2], "sh", sys.argv[3], sys.argv[4]])
		while not os.path.exists(sys.argv[4]):
		    time.sleep(0.02)
		time.sleep(0.05)
		p.send_signal(getattr(signal, "SIG" + sys.argv[5]))
		sys.exit(p.wait(timeout=20) != 9)
	END
	check "$signal is passed on, status returned" test $? = 0
	is "$signal arrived once" "$(printf 'ready\n%s\n' $signal)" "$(cat "$WORK/got")"
done

# ^C at a terminal goes to the whole foreground group: the program gets it once, not from us again.
$PYTHON - "$CTXAGENT" "$WORK/ring" "$WORK/got" <<-'END' >"$WORK/pty.out" 2>&1
	import os, pty, signal, sys, time
	program = """if 1:
	    import os, signal, sys, time
	    signal.signal(signal.SIGINT, lambda *_: open(sys.argv[1], "a").write("INT\\n"))
	    print("ready", flush=True)
	    end = time.monotonic() + 0.8
	    while time.monotonic() < end:
	        time.sleep(0.01)
	    sys.exit(7)"""
	open(sys.argv[3], "w").close()
	pid, fd = pty.fork()
	if pid == 0:
	    signal.signal(signal.SIGINT, signal.SIG_DFL)
	    os.execv(sys.argv[1], [sys.argv[1], "run", "--quiet", "--dir", sys.argv[2], sys.executable, "-c", program, sys.argv[3]])
	while b"ready" not in os.read(fd, 4096):
	    pass
	os.write(fd, b"\x03")
	sys.exit(os.waitpid(pid, 0)[1] != 7 << 8)
END
check "^C at a terminal: the program goes on, its status returned" test $? = 0
is "^C at a terminal: once" INT "$(cat "$WORK/got")"

# Standard streams, arguments, working directory and process group are those of a plain start.
is "stdin and stdout" "HELLO" "$(echo hello | run tr a-z A-Z)"
is "stderr" "oops" "$(run sh -c 'echo oops >&2' 2>&1)"
is "arguments" "[a b][][--dir][-x]" "$(run printf '[%s][%s][%s][%s]' 'a b' '' --dir -x)"
is "options of the program are its own" "-n --quiet" "$("$CTXAGENT" run --quiet --dir "$WORK/ring" echo -n --quiet | sed 's/^/-n /')"
is "working directory" "/" "$(cd / && run pwd)"
$PYTHON - "$CTXAGENT" "$WORK/ring" <<-'END'
	import os, subprocess, sys
	p = subprocess.run([sys.argv[1], "run", "--quiet", "--dir", sys.argv[2], sys.executable, "-c",
	                    "import os, signal; print(os.getpgrp(), sorted(int(s) for s in signal.pthread_sigmask(0, [])),"
	                    "int(signal.getsignal(signal.SIGCHLD)), int(signal.getsignal(signal.SIGHUP)))"],
	                   capture_output=True, text=True,
	                   preexec_fn=lambda: (__import__("signal").signal(1, 1), __import__("signal").pthread_sigmask(0, [12])))
	want = f"{os.getpgrp()} [12] 0 1\n"
	sys.exit(f"{p.stdout!r}, not {want!r}" if p.stdout != want else 0)
END
check "process group, signal mask and dispositions" test $? = 0
is "open descriptors" "$(ls /proc/self/fd | wc -l)" "$(run ls /proc/self/fd | wc -l)"

# The environment.
is "LD_PRELOAD" "$BIN/libctxagent.so" "$(run printenv LD_PRELOAD)"
is "CTXAGENT_DIR" "$WORK/ring" "$(run printenv CTXAGENT_DIR)"
cp "$BIN/libctxagent.so" "$WORK/other.so"
is "an LD_PRELOAD that is there is kept, ours after it" "$WORK/other.so:$BIN/libctxagent.so" \
	"$(LD_PRELOAD=$WORK/other.so run printenv LD_PRELOAD)"
is "the library is not added twice" "$BIN/libctxagent.so" \
	"$(LD_PRELOAD=$BIN/libctxagent.so run printenv LD_PRELOAD)"
is "a relative directory becomes absolute" "$WORK/rel" "$(cd "$WORK" && "$CTXAGENT" run --quiet --dir rel printenv CTXAGENT_DIR)"
is "without --dir: CTXAGENT_DIR" "$WORK/set" "$(CTXAGENT_DIR=$WORK/set "$CTXAGENT" run --quiet printenv CTXAGENT_DIR)"
case $("$CTXAGENT" run --quiet printenv CTXAGENT_DIR) in
"$HOME/.local/state/ctxagent/runs/"[0-9]*-[0-9]*) ok "without both: a directory of its own" ;;
*) not_ok "without both: a directory of its own" "$("$CTXAGENT" run --quiet printenv CTXAGENT_DIR)" ;;
esac
is "the directory is private" 700 "$(stat -c %a "$WORK/ring")"

# A program that needs AddressSanitizer's runtime first.
echo 'int main(void) { return 0; }' >"$WORK/asan.c"
if ${CC:-cc} -fsanitize=address -o "$WORK/asan" "$WORK/asan.c" 2>/dev/null && readelf -d "$WORK/asan" | grep -q libasan; then
	status "a program with AddressSanitizer starts" 0 run "$WORK/asan"
fi

# The summary.
status "summary: status" 0 "$CTXAGENT" run --dir "$WORK/sum" "$MAKE_RING" "$WORK/sum" executable=nginx count=16 \
	'kind=3|status=2|http.request.method=GET'
says "summary: numbers" "ctxagent: 16 requests, 1 call, 17 spans, [0-9]* traces, 1 error; programs: nginx$"
says "summary: how to look at it" "ctxagent show --dir $WORK/sum"
is "summary: the data is kept" 17 "$("$CTXAGENT" export --dir "$WORK/sum" --out - | grep -o '"spanId"' | wc -l)"
status "quiet" 0 "$CTXAGENT" run --quiet --dir "$WORK/sum2" "$MAKE_RING" "$WORK/sum2" count=16
is "quiet prints nothing" 0 "$(wc -c <"$WORK/err")"
status "nothing traced" 0 "$CTXAGENT" run --dir "$WORK/sum3" true
says "nothing traced: says who knows why" "ctxagent doctor true"
status "to a file" 0 "$CTXAGENT" run --dir "$WORK/sum4" --out "$WORK/out.jsonl" "$MAKE_RING" "$WORK/sum4" count=1000
is "to a file: all spans, once" 1000 "$(grep -o '"spanId":"[0-9a-f]*"' "$WORK/out.jsonl" | sort -u | wc -l)"
is "to a file: one request a line" "$(wc -l <"$WORK/out.jsonl")" "$(grep -c '^{"resourceSpans":.*}$' "$WORK/out.jsonl")"
is "to a file: the directory is empty" "" "$(ls "$WORK/sum4" | grep -e ring -e spool)"
status "to a full disk" 0 "$CTXAGENT" run --dir "$WORK/sum5" --out /dev/full "$MAKE_RING" "$WORK/sum5" count=9
says "to a full disk: says so" "cannot write /dev/full: No space left"
is "to a full disk: what was taken is kept" 9 "$(cat "$WORK"/sum5/undelivered-*.jsonl | grep -o '"spanId"' | wc -l)"

# A grandchild that outlives the program keeps its ring.
status "a daemon" 0 "$CTXAGENT" run --dir "$WORK/daemon" sh -c "'$MAKE_RING' '$WORK/daemon' executable=d sleep=2 count=8 & sleep 0.5"
says "a daemon: is named as still running" "1 process is still running"
is "a daemon: its spans are there" 8 "$("$CTXAGENT" export --dir "$WORK/daemon" --out - | grep -o '"spanId"' | wc -l)"

# ctxagent in a shell that is itself preloaded does not trace itself.
is "ctxagent leaves its own agent" "" \
	"$(LD_PRELOAD=$BIN/libctxagent.so "$CTXAGENT" doctor 2>/dev/null | grep 'LD_PRELOAD: holds')"
rm "$BIN/libctxagent.so"
status "no library" 1 "$CTXAGENT" run true
says "no library is said" "libctxagent.so is neither beside"
finish
