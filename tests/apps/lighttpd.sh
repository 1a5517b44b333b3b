#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lighttpd, serving files and proxying: the same answers with and without, spans with the right parents.
. "$TESTS/lib.sh"
. "$TESTS/apps/fetch.sh"
need lighttpd curl
start_origin
prepare_files
run_server() {
	cat >"$WORK/lighttpd.conf" <<-CONFIG
		server.modules = ( "mod_alias", "mod_proxy" )
		server.document-root = "$WORK/files"
		server.bind = "127.0.0.1"
		server.port = $PORT
		server.upload-dirs = ( "$WORK" )
		server.errorlog = "$WORK/lighttpd.log"
		server.tag = "lighttpd"
		alias.url = ( "/files/" => "$WORK/files/" )
		\$HTTP["url"] !~ "^/files/" {
		  proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => $ORIGIN ) ) )
		}
	CONFIG
	start "${UNDER[@]}" "$(command -v lighttpd)" -D -f "$WORK/lighttpd.conf"
}
normalise() {
	sed 's/^ETag: .*/ETag: E/'
}
same_server run_server fetch_all
proxy_spans
