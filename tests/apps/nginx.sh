#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nginx with a master and two workers, serving files and proxying: the same answers with and without, spans
# with the right parents, also behind the change of user.
. "$TESTS/lib.sh"
. "$TESTS/apps/fetch.sh"
need nginx curl
start_origin
prepare_files
run_server() {
	mkdir -p "$WORK/tmp"
	chmod 777 "$WORK/tmp"
	cat >"$WORK/nginx.conf" <<-CONFIG
		worker_processes 2; daemon off; pid $WORK/nginx.pid; error_log stderr;
		events { worker_connections 256; }
		http {
		  access_log off; sendfile on; gzip on; gzip_min_length 1; server_tokens off;
		  client_body_temp_path $WORK/tmp/b; proxy_temp_path $WORK/tmp/p; fastcgi_temp_path $WORK/tmp/f;
		  uwsgi_temp_path $WORK/tmp/u; scgi_temp_path $WORK/tmp/s; client_max_body_size 50m;
		  upstream origin { server 127.0.0.1:$ORIGIN; keepalive 8; }
		  server {
		    listen 127.0.0.1:$PORT;
		    location /files/ { alias $WORK/files/; }
		    location /answer { return 200 "from memory\n"; }
		    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }
		  }
		}
	CONFIG
	start "${UNDER[@]}" "$(command -v nginx)" -p "$WORK" -c "$WORK/nginx.conf"
}
same_server run_server fetch_all
proxy_spans
