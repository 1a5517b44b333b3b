# SPDX-License-Identifier: Apache-2.0
# Everything is built here, without recursion. `make help` lists the targets. One build directory per
# variant: release (what is shipped), debug (assertions and lock order checks), asan, ubsan, tsan, fuzz.

CC	?= gcc
ifeq ($(origin CC),default)
CC	:= gcc
endif
CLANG	?= clang
AR	?= ar
BUILD	:= build
PREFIX	?= /usr/local
DESTDIR	?=
VERSION	:= 0.1.0
PROTOC_C ?= protoc-c

# V=1 shows whole commands.
Q	:= $(if $(V),,@)

all: release

# ---- flags ------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wcast-qual -Wwrite-strings -Wundef -Wformat=2 -Wvla -Werror
COMMON	:= -std=gnu11 -D_GNU_SOURCE -DCTXAGENT_VERSION='"$(VERSION)"' -Iagent -I. -g $(WARNINGS)
# Unwind tables: exceptions and cancellation pass through our frames (hazard B3); -fexceptions would only
# add cleanup at unwinding, which nothing here needs, and libgcc_s.so as a dependency of every process. No fortify names and
# no PLT surprises inside the library.
AGENT	:= -fPIC -fvisibility=hidden -fno-exceptions -fasynchronous-unwind-tables -ftls-model=initial-exec \
	-fno-strict-aliasing -U_FORTIFY_SOURCE -fno-stack-protector -fno-builtin-printf
LINK_SO	:= -shared -Wl,-z,defs -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,-z,noexecstack \
	-Wl,--no-undefined -Wl,-soname,libctxagent.so
LINK	:= -Wl,-z,now -Wl,-z,relro

# The hot paths cross rooms: link-time optimisation takes a sixth off them. Only gcc's objects can be
# both for it and for the archives that tests link.
LTO	:= $(if $(findstring clang,$(CC)),,-flto -ffat-lto-objects -flto-partition=none)
FLAGS_release	:= -O3 -DNDEBUG $(LTO)
FLAGS_debug	:= -O1 -DAGENT_DEBUG
FLAGS_asan	:= -O1 -DAGENT_DEBUG -fsanitize=address -fno-omit-frame-pointer
FLAGS_ubsan	:= -O1 -DAGENT_DEBUG -fsanitize=undefined -fno-sanitize-recover=all
FLAGS_tsan	:= -O1 -DAGENT_DEBUG -fsanitize=thread
FLAGS_coverage	:= -O0 -DAGENT_DEBUG --coverage
FLAGS_fuzz	:= -O1 -DAGENT_DEBUG -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

VARIANTS := release debug asan ubsan tsan coverage

# ---- rooms ------------------------------------------------------------------------------------------

# What a room's unit tests link: the room and what it may use. agent/README.md has the rules in words.
MAY_base	:= base
MAY_context	:= context base
MAY_proto	:= proto base
MAY_config	:= config base
MAY_record	:= record reader config context base
MAY_carry	:= carry proto config record context base
MAY_export	:= export reader record config context base
LIBRARY_ROOMS	:= carry proto config record context base
PROGRAM_ROOMS	:= export reader record config context base

ROOMS	:= base context proto config record reader carry export
SRC_base	:= $(wildcard agent/base/*.c)
SRC_context	:= $(wildcard agent/context/*.c)
SRC_proto	:= $(wildcard agent/proto/*.c)
SRC_config	:= $(wildcard agent/config/*.c)
SRC_record	:= $(filter-out agent/record/reader%,$(wildcard agent/record/*.c))
SRC_reader	:= $(wildcard agent/record/reader*.c)
SRC_carry	:= $(wildcard agent/carry/*.c)
SRC_export	:= $(wildcard agent/export/*.c)
SRC_cli		:= $(wildcard agent/cli/*.c)
MACHINE		:= $(shell $(CC) -dumpmachine | cut -d- -f1)
SRC_hooks	:= $(filter-out hooks/%.template.c,$(wildcard hooks/*.c)) $(wildcard hooks/*_$(MACHINE).S)

PROGRAM_PKGS	:= libcurl libprotobuf-c jansson zlib libelf
PROGRAM_CFLAGS	= $(shell pkg-config --cflags $(PROGRAM_PKGS))
PROGRAM_LIBS	= $(shell pkg-config --libs $(PROGRAM_PKGS))
CMOCKA_LIBS	= $(shell pkg-config --libs cmocka)

UNIT	:= $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
HOOKS	:= $(patsubst tests/hooks/%.c,%,$(filter-out tests/hooks/stub_%,$(wildcard tests/hooks/*.c)))
HOOK_STUBS := $(wildcard tests/hooks/stub_*.c)
PLAIN	:= $(patsubst tests/preload/%.c,%,$(wildcard tests/preload/*.c))
PLAINXX	:= $(patsubst tests/preload/%.cc,%,$(wildcard tests/preload/*.cc))
CLI	:= $(patsubst tests/cli/%.c,%,$(wildcard tests/cli/*.c))
BENCH	:= $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c))
FUZZ	:= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))

objects	= $(patsubst %.S,$(BUILD)/$(1)/%.o,$(patsubst %.c,$(BUILD)/$(1)/%.o,$(2)))
archives = $(foreach room,$(2),$(BUILD)/$(1)/lib$(room).a)

# ---- rules per variant ------------------------------------------------------------------------------

# $(1) the variant. Objects depend on the flags they were built with, so a change of flags rebuilds.
define variant
$(BUILD)/$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' '$(CC) $(subst ','"'"',$(COMMON) $(AGENT) $(FLAGS_$(1)))' | cmp -s - $$@ || \
		printf '%s\n' '$(CC) $(subst ','"'"',$(COMMON) $(AGENT) $(FLAGS_$(1)))' >$$@

$(BUILD)/$(1)/agent/export/%.o $(BUILD)/$(1)/agent/cli/%.o: EXTRA = $$(PROGRAM_CFLAGS) -I$(BUILD)/proto
$(BUILD)/$(1)/%.o: %.c $(BUILD)/$(1)/flags
	@mkdir -p $$(@D)
	@echo '  CC     $$@'
	$$(Q)$$(CC) $$(COMMON) $$(AGENT) $$(FLAGS_$(1)) $$(EXTRA) -MMD -MP -c -o $$@ $$<
$(BUILD)/$(1)/%.o: %.S $(BUILD)/$(1)/flags
	@mkdir -p $$(@D)
	@echo '  CC     $$@'
	$$(Q)$$(CC) $$(COMMON) $$(AGENT) -MMD -MP -c -o $$@ $$<
$(BUILD)/$(1)/otlp.pb-c.o: $(BUILD)/proto/otlp.pb-c.c $(BUILD)/$(1)/flags
	@mkdir -p $$(@D)
	@echo '  CC     $$@'
	$$(Q)$$(CC) -std=gnu11 -g -O2 -fPIC $$(filter -fsanitize% -fno-sanitize%,$$(FLAGS_$(1))) $$(PROGRAM_CFLAGS) -c -o $$@ $$<
$(call objects,$(1),$(SRC_export) $(SRC_cli)) $(patsubst %,$(BUILD)/$(1)/tests/unit/%.o,$(filter export_%,$(UNIT))): | $(BUILD)/proto/otlp.pb-c.c

$(foreach room,$(filter-out export,$(ROOMS)),
$(BUILD)/$(1)/lib$(room).a: $(call objects,$(1),$(SRC_$(room)))
	@rm -f $$@
	@echo '  AR     $$@'
	$$(Q)$$(AR) rcs $$@ $$^
)
$(BUILD)/$(1)/libexport.a: $(call objects,$(1),$(SRC_export)) $(BUILD)/$(1)/otlp.pb-c.o
	@rm -f $$@
	@echo '  AR     $$@'
	$$(Q)$$(AR) rcs $$@ $$^

$(BUILD)/$(1)/exports.map: hooks/hooks.def hooks/exports.sh
	@mkdir -p $$(@D)
	$$(Q)hooks/exports.sh '$(CC)' >$$@.new && mv $$@.new $$@
$(BUILD)/$(1)/libctxagent.so: $(call objects,$(1),$(SRC_hooks)) $(call archives,$(1),$(LIBRARY_ROOMS)) $(BUILD)/$(1)/exports.map
	@echo '  CC     $$@'
	$$(Q)$$(CC) $$(FLAGS_$(1)) $$(LINK_SO) -Wl,--version-script=$(BUILD)/$(1)/exports.map -o $$@ \
		$$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group -Wl,--no-as-needed -l:libdl.so.2
$(BUILD)/$(1)/ctxagent: $(call objects,$(1),$(SRC_cli)) $(call archives,$(1),$(PROGRAM_ROOMS))
	@echo '  CC     $$@'
	$$(Q)$$(CC) $$(FLAGS_$(1)) $$(LINK) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) \
		-Wl,--end-group $$(PROGRAM_LIBS)

$(foreach t,$(UNIT),
$(BUILD)/$(1)/tests/unit/$(t): $(BUILD)/$(1)/tests/unit/$(t).o $(call archives,$(1),$(MAY_$(firstword $(subst _, ,$(t)))))
	@echo '  CC     $$@'
	$$(Q)$$(CC) $$(FLAGS_$(1)) -pthread -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$$(CMOCKA_LIBS) $$(if $$(filter export_%,$(t)),$$(PROGRAM_LIBS))
)
$(patsubst %,$(BUILD)/$(1)/tests/unit/%.o,$(filter export_%,$(UNIT))): EXTRA = $$(PROGRAM_CFLAGS) -I$(BUILD)/proto
$(foreach t,$(HOOKS),
$(BUILD)/$(1)/tests/hooks/$(t): $(BUILD)/$(1)/tests/hooks/$(t).o $(call objects,$(1),$(HOOK_STUBS) $(filter-out hooks/preload.c,$(SRC_hooks)))
	@echo '  CC     $$@'
	$$(Q)$$(CC) $$(FLAGS_$(1)) -pthread -o $$@ $$^ $$(CMOCKA_LIBS) -ldl
)
$(foreach t,$(CLI),
$(BUILD)/$(1)/tests/cli/$(t): $(BUILD)/$(1)/tests/cli/$(t).o $(call archives,$(1),$(MAY_record))
	@echo '  CC     $$@'
	$$(Q)$$(CC) $$(FLAGS_$(1)) -pthread -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group
)
# Programs of preload tests know nothing of the agent: built as a stranger would.
$(BUILD)/$(1)/tests/preload/%: tests/preload/%.c
	@mkdir -p $$(@D)
	@echo '  CC     $$@'
	$$(Q)$$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Werror -pthread -o $$@ $$< -ldl
$(BUILD)/$(1)/tests/preload/%: tests/preload/%.cc
	@mkdir -p $$(@D)
	@echo '  CXX    $$@'
	$$(Q)g++ -std=c++17 -O2 -g -Wall -Werror -pthread -o $$@ $$<
$(foreach t,$(BENCH),
$(BUILD)/$(1)/tests/bench/$(t): tests/bench/$(t).c
	@mkdir -p $$(@D)
	@echo '  CC     $$@'
	$$(Q)$$(CC) $$(COMMON) -O2 -pthread -o $$@ $$< -ldl
)

programs-$(1): $(foreach t,$(PLAIN) $(PLAINXX),$(BUILD)/$(1)/tests/preload/$(t)) $(foreach t,$(CLI),$(BUILD)/$(1)/tests/cli/$(t))
test-$(1): $(foreach t,$(UNIT),$(BUILD)/$(1)/tests/unit/$(t)) $(foreach t,$(HOOKS),$(BUILD)/$(1)/tests/hooks/$(t))
	tests/run unit hooks -- $(BUILD)/$(1)
-include $$(wildcard $(BUILD)/$(1)/*/*/*.d $(BUILD)/$(1)/*/*.d $(BUILD)/$(1)/*/*/*/*.d)
.PHONY: programs-$(1) test-$(1)
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$(v))))
release: $(BUILD)/release/libctxagent.so $(BUILD)/release/ctxagent
debug: $(BUILD)/debug/libctxagent.so $(BUILD)/debug/ctxagent

$(BUILD)/proto/otlp.pb-c.c: agent/export/otlp.proto
	@mkdir -p $(@D)
	@echo '  PROTOC $@'
	$(Q)$(PROTOC_C) --c_out=$(@D) --proto_path=agent/export agent/export/otlp.proto

# ---- fuzzing: clang's libFuzzer, the library's rooms compiled for it ----------------------------------

FUZZ_SRC := $(SRC_base) $(SRC_context) $(SRC_proto) $(SRC_config) $(SRC_record) $(SRC_reader) $(SRC_carry)
FUZZ_OBJ := $(call objects,fuzz,$(FUZZ_SRC))
$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CLANG  $@'
	$(Q)$(CLANG) $(COMMON) -fno-strict-aliasing $(FLAGS_fuzz) -MMD -MP -c -o $@ $<
$(BUILD)/fuzz/libagent.a: $(FUZZ_OBJ)
	@rm -f $@
	@echo '  AR     $@'
	$(Q)$(AR) rcs $@ $^
$(FUZZ:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(BUILD)/fuzz/libagent.a
	@echo '  CLANG  $@'
	$(Q)$(CLANG) $(FLAGS_fuzz) -fsanitize=fuzzer -o $@ $^
-include $(wildcard $(BUILD)/fuzz/*/*/*.d)

SECONDS ?= 60
fuzz: $(if $(T),$(BUILD)/fuzz/$(T),$(FUZZ:%=$(BUILD)/fuzz/%))
	@for t in $(or $(T),$(FUZZ)); do mkdir -p $(BUILD)/fuzz/corpus/$$t && \
		$(BUILD)/fuzz/$$t -max_total_time=$(SECONDS) -timeout=10 -artifact_prefix=$(BUILD)/fuzz/ \
		$(BUILD)/fuzz/corpus/$$t tests/fuzz/corpus/$$t || exit 1; done
replay: $(FUZZ:%=$(BUILD)/fuzz/%)
	@for t in $(FUZZ); do $(BUILD)/fuzz/$$t -runs=0 tests/fuzz/corpus/$$t >$(BUILD)/fuzz/$$t.log 2>&1 || \
		{ cat $(BUILD)/fuzz/$$t.log; exit 1; }; done; echo "replay: $(words $(FUZZ)) corpora"

# ---- what people call ---------------------------------------------------------------------------------

test: test-debug
asan: test-asan
ubsan: test-ubsan
tsan: test-tsan
preload: release programs-release
	tests/run preload cli -- $(BUILD)/release
apps: release programs-release
	tests/run apps -- $(BUILD)/release
check: test preload replay rooms lint
rooms: release debug
	scripts/check-rooms $(BUILD)/debug
	scripts/check-rooms $(BUILD)/release
	hooks/siblings.sh
lint: $(BUILD)/compile_commands.json $(BUILD)/proto/otlp.pb-c.c
	scripts/lint $(BUILD)
accuracy: release
	tests/accuracy/run $(BUILD)/release
bench: release programs-release $(foreach t,$(BENCH),$(BUILD)/release/tests/bench/$(t))
	tests/bench/run $(BUILD)/release

N ?= 100
loop: test-debug
	tests/run --loop $(N) $(T) -- $(BUILD)/debug
coverage: test-coverage
	scripts/coverage $(BUILD)/coverage
format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

compile_commands.json: $(BUILD)/compile_commands.json
	cp $< $@
$(BUILD)/compile_commands.json: Makefile $(SRC_base) $(SRC_context) $(SRC_proto) $(SRC_config) $(SRC_record) $(SRC_reader) $(SRC_carry) $(SRC_export) $(SRC_cli) $(SRC_hooks)
	@mkdir -p $(@D)
	$(Q)scripts/compile-commands '$(subst ','"'"',$(COMMON) $(AGENT) $(FLAGS_debug) $(PROGRAM_CFLAGS) -I$(BUILD)/proto)' $(filter %.c,$^) >$@

install: release
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/ctxagent $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(BUILD)/release/ctxagent $(DESTDIR)$(PREFIX)/bin/ctxagent
	install -m 644 $(BUILD)/release/libctxagent.so $(DESTDIR)$(PREFIX)/lib/ctxagent/libctxagent.so
	install -m 644 agent/cli/ctxagent.1 $(DESTDIR)$(PREFIX)/share/man/man1/ctxagent.1
	$(BUILD)/release/ctxagent help settings --roff >$(BUILD)/settings.roff
	$(BUILD)/release/ctxagent help counters --roff >$(BUILD)/counters.roff
	sed -e '/^\.\\" SETTINGS/r $(BUILD)/settings.roff' -e '/^\.\\" COUNTERS/r $(BUILD)/counters.roff' \
		agent/cli/libctxagent.7 >$(BUILD)/libctxagent.7
	install -m 644 $(BUILD)/libctxagent.7 $(DESTDIR)$(PREFIX)/share/man/man7/libctxagent.7
	install -m 644 agent/cli/ctxagent.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ctxagent
dist:
	@mkdir -p $(BUILD)
	git archive --prefix=ctxagent-$(VERSION)/ -o $(BUILD)/ctxagent-$(VERSION).tar.gz HEAD
clean:
	rm -rf $(BUILD) compile_commands.json

help:
	@echo 'make                    build/release/libctxagent.so and build/release/ctxagent'
	@echo 'make test               unit and hook tests (seconds)'
	@echo 'make check              test, preload and CLI cases, fuzz replay, room and symbol checks, lint'
	@echo 'make asan ubsan tsan    the tests under each sanitizer'
	@echo 'make apps               real servers and tools, with the agent and without'
	@echo 'make accuracy           percent of outgoing calls with the right context, on real servers'
	@echo 'make bench              cost against the budgets'
	@echo 'make fuzz T=http1 SECONDS=60   fuzz one parser (all without T); make replay runs the corpora'
	@echo 'make loop N=100 T=unit/carry_requests   one test, many times'
	@echo 'make lint format coverage install dist clean compile_commands.json'
	@echo 'variants: make debug asan ...: build/<variant>/'

FORCE:
.PHONY: all test asan ubsan tsan release debug preload apps check rooms lint accuracy bench fuzz replay loop coverage format \
	install dist clean help FORCE compile_commands.json
.DELETE_ON_ERROR:
