#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# wget: the same output and status, and a client span for each request.
. "$TESTS/lib.sh"
need wget
start_origin
url=http://127.0.0.1:$ORIGIN
normalise() {
	sed -E 's/^--[0-9: -]+--/--TIME--/; s/^[0-9]{4}-[0-9-]+ [0-9:]+ /TIME /; s/\([0-9.,]+ [KMG]?B\/s\)/(SPEED)/; s/[0-9.,]+ ?[KMG]?B?\/?s?  *(=|in) *[0-9.]+m?s/SPEED/; s/ [0-9.,]+[KMG]?( =|=)[0-9.]+m?s/ SPEED/'
}
same wget -q -O - "$url/one" "$url/large"
expect_status 0
same wget -nv -O "$WORK/file" "$url/chunked"
same wget -q --spider "$url/head"
same wget -q -O - "$url/missing"
expect_status 8
spans 'CLIENT GET /one status=200' 'CLIENT GET /large status=200' 'CLIENT GET /chunked status=200' \
	'CLIENT HEAD /head status=200' 'CLIENT GET /missing status=404'
origin_contexts 5
