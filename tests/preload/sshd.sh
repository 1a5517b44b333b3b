#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hazard F1: OpenSSH's pre-authentication child lives under a seccomp filter that kills. An attempt to log in
# must end with "Permission denied", not with a reset connection.
. "$TESTS/lib.sh"
need ssh ssh-keygen
sshd=$(command -v sshd || echo /usr/sbin/sshd)
[ -x "$sshd" ] || skip "sshd is not installed"
cd "$WORK" || exit 1
[ "$(id -u)" = 0 ] && mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f host_key
ssh-keygen -q -t ed25519 -N '' -f client_key

attempt() {
	local port status
	port=$(free_port)
	cat >sshd_config <<-CONFIG
		Port $port
		ListenAddress 127.0.0.1
		HostKey $WORK/host_key
		PidFile none
		UsePAM no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		AuthorizedKeysFile none
	CONFIG
	start env "$@" "$sshd" -D -e -f "$WORK/sshd_config"
	wait_port "$port"
	timeout 20 ssh -F none -p "$port" -i client_key -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null nobody@127.0.0.1 true >ssh.out 2>&1 </dev/null
	status=$?
	stop_all
	grep -q 'Permission denied' ssh.out && [ $status = 255 ]
}

attempt A=b || skip "no attempt possible even without the library: $(tr '\n' ' ' <ssh.out)"
attempt LD_PRELOAD="$PRELOAD" CTXAGENT_DIR="$RING" || fail "$(cat ssh.out server.log)"
