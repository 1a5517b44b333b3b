#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make with its jobs, the compiler and the linker below it: the same messages, objects and statuses.
. "$TESTS/lib.sh"
need make gcc
cd "$WORK" || exit 1
for i in 1 2 3 4 5 6; do echo "int f$i(int x) { return x * $i; }" >f$i.c; done
cat >main.c <<'SOURCE'
int f3(int);
int main(void) { return f3(4); }
SOURCE
cat >Makefile <<'RULES'
OBJECTS := $(patsubst %.c,%.o,$(sort $(wildcard *.c)))
program: $(OBJECTS)
	@gcc -o $@ $^
	@echo built $(words $(OBJECTS)) $(shell echo objects | tr a-z A-Z)
%.o: %.c
	@gcc -O2 -c -o $@ $<
broken:
	@exit 3
RULES
builds() {
	rm -f ./*.o program
	make -s -j3 program && cksum ./*.o | sort && { ./program; echo "status $?"; }
	make broken
	echo "status $?"
}
export -f builds
same bash -c builds
expect_status 0
grep -q '^status 12$' out.without || fail "the program was not built"
[ -z "$(ls -A "$RING")" ] || fail "files were made: $(ls "$RING")"
