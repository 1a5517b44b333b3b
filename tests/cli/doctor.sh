#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `ctxagent doctor`: each thing it knows, made for the occasion. Nothing of the programs is executed.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
CC=${CC:-cc}

# finds NAME STATUS LINE ARGUMENTS...: doctor ends with STATUS and prints LINE (a pattern).
finds() {
	local name=$1 want=$2 line=$3
	shift 3
	status "$name: status" "$want" "$CTXAGENT" doctor "$@"
	says "$name: says so" "$line" "$WORK/out"
}

# Every line is a finding; what is not OK says what to do.
form() {
	is "$1: form" "" "$(grep -v -e '^OK    [^:]*: .*' -e '^WARN  [^:]*: .*; .*' -e '^FAIL  [^:]*: .*; .*' "$WORK/out")"
}

cat >"$WORK/net.c" <<'END'
#include <sys/socket.h>
#include <unistd.h>
int main(void) { char b[9]; int s = socket(1, 1, 0); return (int)(send(s, b, 9, 0) + recv(s, b, 9, 0)) + access("/", 0); }
END
echo 'int main(void) { return 0; }' >"$WORK/plain.c"
build() {
	$CC -o "$WORK/$1" "$WORK/$2.c" "${@:3}" 2>"$WORK/cc.err"
}

finds "the system alone" 0 "^OK    library: $BIN/libctxagent.so, .*, 1 functions hooked"
form "the system alone"
build net net && finds "a good program" 0 "^OK    program: $WORK/net, .*, dynamic" "$WORK/net"
form "a good program"
says "what is hooked" "^OK    hooks: it calls 1 functions that the agent hooks: send$" "$WORK/out"
says "what is not" "^WARN  hooks: it calls functions that the agent does not hook: recv;" "$WORK/out"
build plain plain && finds "no sockets" 0 "^WARN  hooks: neither it nor its libraries call socket functions" "$WORK/plain"
status "not found" 1 "$CTXAGENT" doctor nowhere-at-all
says "not found: says so" "nowhere-at-all: No such file"
build static plain -static && finds "static" 1 "^FAIL  program: static: LD_PRELOAD has no effect; link it" "$WORK/static"
build static-pie plain -static-pie && finds "static-pie" 1 "^FAIL  program: static-pie" "$WORK/static-pie"
form "static-pie"
build musl net -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 && finds "musl" 1 "^FAIL  loader: musl" "$WORK/musl"
build noloader net -Wl,--dynamic-linker=/lib/nowhere.so && finds "no such loader" 1 "^FAIL  loader: /lib/nowhere.so" "$WORK/noloader"
build nolibc plain -nostdlib -Wl,-e,main && finds "no C library" 0 "^WARN  libraries: it does not use the C library" "$WORK/nolibc"
if build asan plain -fsanitize=address && readelf -d "$WORK/asan" | grep -q libasan; then
	finds "AddressSanitizer" 0 "^WARN  sanitizer: libasan.so.* must come before" "$WORK/asan"
fi
cp "$WORK/net" "$WORK/arm" && printf '\267\0' | dd of="$WORK/arm" bs=1 seek=18 conv=notrunc status=none
finds "another processor" 1 "^FAIL  program: for another processor" "$WORK/arm"
printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0' >"$WORK/old" && head -c 64 /dev/zero >>"$WORK/old" && chmod +x "$WORK/old"
finds "32 bits" 1 "^FAIL  program: a 32-bit program" "$WORK/old"
echo "no program" >"$WORK/text" && chmod +x "$WORK/text"
finds "no ELF file" 1 "^FAIL  program: no ELF file" "$WORK/text"
printf '#!%s\n' "$WORK/net" >"$WORK/script" && chmod +x "$WORK/script"
finds "a script" 0 "^OK    program: $WORK/script is a script run by $WORK/net" "$WORK/script"
printf '#!/usr/bin/env net\n' >"$WORK/script2" && chmod +x "$WORK/script2"
PATH=$WORK:$PATH finds "a script by env" 0 "^OK    program: $WORK/script2 is a script run by $WORK/net" script2
if objcopy --add-section .go.buildinfo="$WORK/text" "$WORK/net" "$WORK/gonet" 2>/dev/null; then
	finds "Go" 1 "^FAIL  blind spots: a Go program" "$WORK/gonet"
fi
build gone plain -shared -fPIC -Wl,-soname,libgone.so && mv "$WORK/gone" "$WORK/libgone.so"
build needs net -Wl,--no-as-needed "$WORK/libgone.so" && rm "$WORK/libgone.so"
finds "a missing library" 1 "^FAIL  libraries: .*libgone.so is not found; install it" "$WORK/needs"
printf 'int SSL_write(void) { return 0; }\n#include "%s"\n' "$WORK/net.c" >"$WORK/tls.c"
build tls tls -rdynamic && finds "its own TLS" 0 "^WARN  blind spots: it brings its own TLS" "$WORK/tls"

# Privileges: the loader drops the preload.
cp "$WORK/net" "$WORK/suid"
if chown 65534 "$WORK/suid" 2>/dev/null && chmod u+s "$WORK/suid"; then
	finds "set-user-ID" 1 "^FAIL  privileges: set-user-ID" "$WORK/suid"
	cp "$WORK/net" "$WORK/caps"
	if $PYTHON -c 'import os, sys
os.setxattr(sys.argv[1], "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))' "$WORK/caps" 2>/dev/null; then
		finds "file capabilities, as root" 0 "^WARN  privileges: has file capabilities" "$WORK/caps"
	fi
fi

# The environment and the directory.
cp "$BIN/libctxagent.so" "$WORK/other.so"
LD_PRELOAD=$WORK/other.so finds "LD_PRELOAD" 0 "^WARN  LD_PRELOAD: holds $WORK/other.so already"
OTEL_SDK_DISABLED=true finds "disabled" 1 "^FAIL  settings: OTEL_SDK_DISABLED"
CTXAGENT_RING_SIZE=lots finds "a bad setting" 0 "^WARN  settings: 1 variables"
HOME='' finds "no directory" 1 "^FAIL  directory: none"
finds "a directory to be made" 0 "^OK    directory: $WORK/a/b/c will be made" --dir "$WORK/a/b/c"
check "a directory to be made: is not made by asking" test ! -e "$WORK/a"
mkdir "$WORK/open" && chmod 777 "$WORK/open"
finds "a directory open to others" 1 "^FAIL  directory: $WORK/open is writable by others; chmod 700" --dir "$WORK/open"
ln -s "$WORK" "$WORK/link"
finds "a symbolic link" 1 "^FAIL  directory: $WORK/link is a symbolic link" --dir "$WORK/link"
finds "a file" 1 "^FAIL  directory: $WORK/text is no directory" --dir "$WORK/text"
(ulimit -f 64 && status "a limit on file sizes" 0 "$CTXAGENT" doctor && says "a limit on file sizes: says so" "^WARN  limits: files may grow to" "$WORK/out")
OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 finds "a bad protocol" 1 "^FAIL  endpoint: OTLP protocol 'grpc'"
OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 finds "nobody there" 1 "^FAIL  endpoint: http://127.0.0.1:1/v1/traces: .*; start the receiver"

# A running process.
wait_for() {
	eventually test -s "$WORK/ready"
}
sleep 60 &
PLAIN=$!
finds "a process without the agent" 1 "^FAIL  process: $PLAIN runs without the agent" --pid $PLAIN
kill $PLAIN
LD_PRELOAD=$BIN/libctxagent.so sleep 60 &
PRELOADED=$!
sleep 0.2
finds "a process with the agent" 0 "^OK    process: $PRELOADED runs with the agent" --pid $PRELOADED
kill $PRELOADED
LD_PRELOAD=$BIN/libctxagent.so $PYTHON - "$WORK/ready" <<-'END' &
	import ctypes, sys, time
	libc = ctypes.CDLL(None, use_errno=True)
	ring = ctypes.create_string_buffer(120)
	uring = libc.syscall(425, 4, ring)		# io_uring_setup
	allow = (ctypes.c_ubyte * 8)(6, 0, 0, 0, 0, 0, 0xff, 0x7f)	# BPF: return SECCOMP_RET_ALLOW
	class Program(ctypes.Structure):
	    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
	program = Program(1, ctypes.addressof(allow))
	libc.prctl(38, 1, 0, 0, 0)			# PR_SET_NO_NEW_PRIVS
	sealed = libc.prctl(22, 2, ctypes.byref(program))	# PR_SET_SECCOMP, filter
	open(sys.argv[1], "w").write(f"{uring} {sealed}\n")
	time.sleep(60)
END
CONFINED=$!
wait_for
status "a confined process" 0 "$CTXAGENT" doctor --pid $CONFINED
read -r uring sealed <"$WORK/ready"
[ "$sealed" != 0 ] || says "a seccomp filter" "^WARN  sandbox: a seccomp filter" "$WORK/out"
[ "$uring" -lt 0 ] || says "io_uring" "^WARN  blind spots: it uses io_uring" "$WORK/out"
form "a confined process"
kill $CONFINED
status "no such process" 1 "$CTXAGENT" doctor --pid 2147483600
says "no such process: says so" "no such process"

# The library itself.
chmod 600 "$BIN/libctxagent.so"
finds "a private library" 0 "^WARN  library: .* is not readable for everybody.*; chmod a+r"
chmod 666 "$BIN/libctxagent.so"
finds "a library that others may change" 0 "^WARN  library: .* can be changed by others"
chmod 644 "$BIN/libctxagent.so"
printf '#include <stdio.h>\n__attribute__((constructor)) static void c(void) { puts("hello"); }\n' >"$WORK/noisy.c"
build noisy noisy -shared -fPIC && cp "$WORK/noisy" "$BIN/libctxagent.so"
finds "a library that is heard" 1 "^FAIL  self test: /bin/true with the library prints: hello; do not preload it"
echo garbage >"$BIN/libctxagent.so"
finds "a broken library" 1 "^FAIL  library: $BIN/libctxagent.so: Exec format error"
rm "$BIN/libctxagent.so"
finds "no library" 1 "^FAIL  library: libctxagent.so is missing; put it beside ctxagent"
wait
finish
