#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# curl: the same output and status, one client span for each request, the context in its header.
. "$TESTS/lib.sh"
need curl
start_origin
url=http://127.0.0.1:$ORIGIN
normalise() {
	sed 's/after [0-9]* ms/after N ms/'
}
head -c 300000 /dev/urandom >"$WORK/body"
same curl -sS "$url/one"
expect_status 0
same curl -sS -i "$url/one" "$url/two" "$url/missing" "$url/chunked"
same curl -sS -I "$url/head"
same curl -sS --data-binary "@$WORK/body" "$url/post"
same curl -sS -T "$WORK/body" -H 'Transfer-Encoding: chunked' -H 'Expect:' "$url/put"
same curl -s --no-progress-meter --parallel --parallel-max 1 "$url/p1" "$url/p2"
same curl -sSf "$url/broken"
expect_status 22
same curl -sS "http://127.0.0.1:1/nobody"
expect_status 7
same curl -sS "file:///etc/hostname"
spans 'CLIENT GET /one x2 status=200' 'CLIENT GET /two status=200' 'CLIENT GET /missing status=404' \
	'CLIENT GET /chunked status=200' 'CLIENT HEAD /head status=200' 'CLIENT POST /post status=200' \
	'CLIENT PUT /put status=200' 'CLIENT GET /p1' 'CLIENT GET /p2' 'CLIENT GET /broken status=500'
origin_contexts 11
# A parent given by the environment is the parent.
RING=$WORK/ring2
mkdir -m 700 "$RING"
TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 agent curl -sS "$url/child" >/dev/null || fail "curl"
spans 'CLIENT GET /child parent=remote trace=0af7651916cd43dd8448eb211c80319c parent-id=b7ad6b7169203331'
