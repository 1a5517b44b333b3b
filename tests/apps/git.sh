#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# git: commit, clone over file:// and over HTTP, gc: the same objects and statuses, and the requests of the
# HTTP clone are spans.
. "$TESTS/lib.sh"
need git
cd "$WORK" || exit 1
export HOME=$WORK GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a
export GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
work_in_git() {
	rm -rf one two three
	git -c init.defaultBranch=main init -q one
	for i in $(seq 30); do seq "$i" 1000 >"one/file$i"; done
	git -C one add .
	git -C one commit -qm first
	seq 2000 >one/file1
	git -C one commit -qam second
	git -C one log --format=%H
	git clone -q "file://$PWD/one" two 2>&1
	git -C two rev-parse HEAD
	git -C two fsck 2>&1
	git -C two gc -q 2>&1
	git -C two diff --stat HEAD~1 | cat
	git clone -q "$PWD/nowhere" three 2>&1
	echo "status $?"
}
export -f work_in_git
same bash -c work_in_git
expect_status 0
git clone -q --bare one served.git
git -C served.git update-server-info
port=$(free_port)
start $PYTHON -m http.server --bind 127.0.0.1 --directory "$WORK" "$port"
wait_port "$port"
git clone -q "http://127.0.0.1:$port/served.git" plain || skip "git cannot clone over HTTP here"
agent git clone -q "http://127.0.0.1:$port/served.git" traced || fail "status $?"
diff -r --exclude=.git plain traced || fail "the clones differ"
[ "$(git -C plain rev-parse HEAD)" = "$(git -C traced rev-parse HEAD)" ] || fail "the clones differ"
spans --more 'CLIENT GET /served.git/info/refs status=200' 'CLIENT GET /served.git/HEAD status=200'
