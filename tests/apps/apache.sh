#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Apache with its event MPM (a process that forks children, threads that take over connections), serving
# files and proxying: the same answers with and without, spans with the right parents.
. "$TESTS/lib.sh"
. "$TESTS/apps/fetch.sh"
need apache2 curl
start_origin
prepare_files
modules=/usr/lib/apache2/modules
[ -d $modules ] || skip "no modules in $modules"
run_server() {
	cat >"$WORK/httpd.conf" <<-CONFIG
		ServerRoot $WORK
		ServerName localhost
		Listen 127.0.0.1:$PORT
		PidFile $WORK/httpd.pid
		Mutex file:$WORK
		ErrorLog /dev/stderr
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule alias_module $modules/mod_alias.so
		LoadModule proxy_module $modules/mod_proxy.so
		LoadModule proxy_http_module $modules/mod_proxy_http.so
		User www-data
		Group www-data
		ServerTokens Prod
		StartServers 2
		ThreadsPerChild 8
		MaxRequestWorkers 16
		FileETag None
		Alias /files/ $WORK/files/
		ProxyPass /files/ !
		ProxyPass / http://127.0.0.1:$ORIGIN/
	CONFIG
	start "${UNDER[@]}" "$(command -v apache2)" -D FOREGROUND -f "$WORK/httpd.conf"
}
same_server run_server fetch_all
proxy_spans
