#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# haproxy with two threads that share connections to the origin: the same answers with and without, spans
# with the right parents.
. "$TESTS/lib.sh"
. "$TESTS/apps/fetch.sh"
need haproxy curl
start_origin
prepare_files
run_server() {
	cat >"$WORK/haproxy.cfg" <<-CONFIG
		global
		  nbthread 2
		defaults
		  mode http
		  timeout connect 5s
		  timeout client 30s
		  timeout server 30s
		  http-reuse always
		frontend f
		  bind 127.0.0.1:$PORT
		  default_backend b
		backend b
		  server s 127.0.0.1:$ORIGIN
	CONFIG
	start "${UNDER[@]}" "$(command -v haproxy)" -db -f "$WORK/haproxy.cfg"
}
same_server run_server fetch_all
# Connections to the origin are shared: a call that had to wait for one is nobody's but by its own header (R8).
proxy_spans_only() {
	spans --more 'SERVER GET /p1 status=200 parent=remote trace=0af7651916cd43dd8448eb211c80319c' \
		'CLIENT GET /p1 status=200 parent=SERVER:/p1' 'SERVER HEAD /p3 status=200 parent=none' \
		'CLIENT GET /broken status=500 parent=none|SERVER:/broken' \
		'CLIENT POST /post status=200 parent=none|SERVER:/post' \
		'CLIENT PUT /put status=200 parent=none|SERVER:/put' \
		'CLIENT GET /files/small parent=none|SERVER:/files/small' \
		'CLIENT GET /raw1 parent=none|SERVER:/raw1' 'CLIENT GET /raw2 parent=none|SERVER:/raw2' \
		--counter 'audit.contradict == 0'
	origin_contexts 14
}
proxy_spans_only
