#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pipelines of a shell: data stays data, byte for byte, statuses are the same, and programs that speak no
# HTTP leave no file.
. "$TESTS/lib.sh"
cd "$WORK" || exit 1
cat >pipelines <<'SHELL'
printf 'b\na\nc\n' | sort
printf '\0\1\2\377x\n' | od -c
x=$(printf v1.2); echo "[$x]"
seq 1 1000 | awk '{s += $1} END {print s}'
seq 100000 | gzip -c | gzip -dc | cksum
ls /nonexistent; echo $?
(echo out; echo err >&2) 2>&1 | cat -n
head -c 100000 /dev/zero | tr '\0' a | cksum
yes | head -3
sh -c 'exit 42'; echo $?
sh -c 'kill -TERM $$'; echo $?
seq 20 | xargs -n 5 echo
find /etc/passwd -exec wc -l {} \; | cut -d' ' -f2
cat <<END | grep -c .
1
2
END
exec 5>file; echo five >&5; exec 5>&-; cat file
(ulimit -n 3; echo few) 2>&1
tar cf - pipelines | tar tf -
env -i /bin/echo bare
SHELL
for shell in bash dash; do
	command -v $shell >/dev/null && same $shell pipelines
done
expect_status 0
[ -z "$(ls -A "$RING")" ] || fail "files were made: $(ls "$RING")"
