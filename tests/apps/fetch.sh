# SPDX-License-Identifier: Apache-2.0
# What the tests of servers ask them for: files under /files/, everything else proxied to the origin.
# shellcheck shell=bash

PARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01

prepare_files() {
	mkdir -p "$WORK/files"
	chmod 755 "$WORK" "$WORK/files"
	printf 'a small file\n' >"$WORK/files/small"
	seq 1 300000 >"$WORK/files/large"
	: >"$WORK/files/empty"
	touch -d 2020-01-01 "$WORK"/files/*
	head -c 700000 /dev/zero | tr '\0' x >"$WORK/upload"
}

fetch_all() {
	local url=http://127.0.0.1:$PORT
	curl -sS -i "$url/files/small" "$url/files/empty" "$url/files/none"
	curl -sS "$url/files/large" | cksum
	curl -sS -r 100-199 "$url/files/large"
	curl -sS -I "$url/files/small"
	curl -sS -i -H "traceparent: $PARENT" "$url/p1" "$url/p2?q=1"
	curl -sS -i -I "$url/p3"
	curl -sS "$url/large" | cksum
	curl -sS -i "$url/chunked" "$url/missing" "$url/broken"
	curl -sS --data-binary "@$WORK/upload" "$url/post"
	curl -sS -T "$WORK/upload" -H 'Transfer-Encoding: chunked' "$url/put"
	printf 'GET /raw1 HTTP/1.1\r\nHost: h\r\n\r\nGET /raw2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n' | raw
	printf 'BROKEN\r\n\r\n' | raw | head -1
}

# Sends what it reads to the server and prints the answer.
raw() {
	$PYTHON -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.stdin.buffer.read())
s.settimeout(20)
data = b""
while True:
    try:
        got = s.recv(65536)
    except ConnectionResetError:
        break
    if not got:
        break
    data += got
lines = [l for l in data.split(b"\n") if not l.startswith(b"Date:")]
sys.stdout.buffer.write(b"\n".join(lines))' "$PORT"
}

# What a proxy must have recorded of fetch_all. Of two requests that came in one read nobody can say, before
# the answers, which a call belongs to: those may be without a parent, never with the other's.
proxy_spans() {
	spans --more \
		'SERVER GET /files/small status=200 parent=none' \
		'SERVER GET /files/none status=404 parent=none' \
		'SERVER GET /files/large status=206 parent=none' \
		'SERVER GET /files/large status=200 parent=none' \
		'SERVER HEAD /files/small status=200 parent=none' \
		'SERVER GET /p1 status=200 parent=remote trace=0af7651916cd43dd8448eb211c80319c parent-id=b7ad6b7169203331' \
		'CLIENT GET /p1 status=200 parent=SERVER:/p1' \
		'SERVER GET /p2 status=200 parent=remote' 'CLIENT GET /p2 status=200 parent=SERVER:/p2' \
		'SERVER HEAD /p3 status=200 parent=none' \
		'CLIENT GET /chunked status=200 parent=SERVER:/chunked' \
		'CLIENT GET /missing status=404 parent=SERVER:/missing' \
		'CLIENT GET /broken status=500 parent=SERVER:/broken' \
		'SERVER POST /post status=200' 'CLIENT POST /post status=200 parent=SERVER:/post' \
		'SERVER PUT /put status=200' 'CLIENT PUT /put status=200 parent=SERVER:/put' \
		'SERVER GET /raw1 status=200' 'CLIENT GET /raw1 parent=none|SERVER:/raw1' \
		'SERVER GET /raw2 status=200' 'CLIENT GET /raw2 parent=none|SERVER:/raw2' \
		--counter 'audit.contradict == 0'
	origin_contexts 10
}
