# devenv: the targets are listed by `make help`.  BUILD, CC, CFLAGS, PREFIX and DESTDIR may be set.

BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
CFLAGS  ?= -O2 -g
VERSION := 0.1.0

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
           -Wno-unused-parameter $(if $(DEV),-Werror)
PKGS    := jansson yaml-0.1 libcrypto
# Opened with dlopen on first use (include/devenv/lazy.h): only their headers are needed to build.
LAZY    := libcurl libgit2 libssh2 libarchive libzstd libpq libmariadb
DEVENV_CPPFLAGS := -Iinclude -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DDEVENV_VERSION='"$(VERSION)"' \
           -DDEVENV_DATADIR='"$(PREFIX)/share/devenv"' $(shell pkg-config --cflags $(PKGS) $(LAZY) 2>/dev/null)
DEVENV_CFLAGS := -std=gnu11 -fno-strict-aliasing $(WARN) $(CFLAGS) $(SANITIZE)
DEVENV_LDLIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ldl -lpthread -lm

SRC     := $(sort $(filter-out src/agent/%,$(wildcard src/*/*.c)))
OBJ     := $(SRC:src/%.c=$(BUILD)/obj/%.o)
LIB     := $(BUILD)/libdevenv.a
TESTS   := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))
HEADERS := $(sort $(wildcard include/devenv/*.h))
COMPLETIONS := completions/devenv.bash completions/_devenv completions/devenv.fish

Q       := $(if $(V),,@)

.PHONY: all demo test bench lint asan replay fuzz gen gen-check install deps clean help format unit headers

all: $(BUILD)/devenv $(BUILD)/devenv.1 ## build devenv and its man page

$(BUILD)/devenv: $(BUILD)/obj/main.o $(LIB)
	@echo "  LD      $@"
	$(Q)$(CC) $(DEVENV_CFLAGS) $(LDFLAGS) -o $@ $^ $(DEVENV_LDLIBS)

$(LIB): $(OBJ)
	@echo "  AR      $@"
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(DEVENV_CPPFLAGS) $(CPPFLAGS) $(DEVENV_CFLAGS) -MMD -MP -c -o $@ $<

# The agent: a static program of few parts, which runs in the engine (include/devenv/agent.h) and is
# carried in devenv.  It is what is shipped also where devenv itself is built to be debugged.
AGENT      ?= $(BUILD)/devenv-agent
AGENT_BASE := buf clock err fs hash json lock mem path signals spill str strv tar tar_read
# Of src/snapshot all but what reads and writes archives or compares images.
AGENT_NOT  := datadir_compat datadir_group dump entry extract packer place stream unpack untar
AGENT_SRC  := $(sort $(wildcard src/agent/*.c)) $(AGENT_BASE:%=src/base/%.c) \
              $(filter-out $(AGENT_NOT:%=src/snapshot/%.c),$(sort $(wildcard src/snapshot/*.c)))
AGENT_OBJ  := $(AGENT_SRC:src/%.c=$(BUILD)/agent/%.o)
AGENT_CFLAGS := -std=gnu11 -O2 -fno-strict-aliasing -ffunction-sections -fdata-sections $(WARN)

$(BUILD)/devenv-agent: $(AGENT_OBJ)
	@echo "  LD      $@"
	$(Q)$(CC) -static -s -Wl,--gc-sections -o $@ $^ -ljansson -lzstd -lcrypto -lpthread

$(BUILD)/agent/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC      $< (agent)"
	$(Q)$(CC) $(DEVENV_CPPFLAGS) -DDEVENV_STATIC $(CPPFLAGS) $(AGENT_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/plan/agent_image.o: CPPFLAGS += -DDEVENV_AGENT='"$(AGENT)"'
$(BUILD)/obj/plan/agent_image.o: $(AGENT)

# Rebuild everything when the compiler or its flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(DEVENV_CPPFLAGS) $(CPPFLAGS) $(DEVENV_CFLAGS)' | cmp -s - $@ || \
	 echo '$(CC) $(DEVENV_CPPFLAGS) $(CPPFLAGS) $(DEVENV_CFLAGS)' > $@
.PHONY: FORCE

$(BUILD)/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	@echo "  TEST    $@"
	$(Q)$(CC) $(DEVENV_CPPFLAGS) -Itests/unit $(DEVENV_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIB) $(DEVENV_LDLIBS) -lcmocka

$(BUILD)/bench/%: tests/bench/%.c $(LIB)
	@mkdir -p $(@D)
	@echo "  BENCH   $@"
	$(Q)$(CC) $(DEVENV_CPPFLAGS) $(DEVENV_CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(DEVENV_LDLIBS)

# Run by tests/e2e/t_engine_api.sh and t_agent.sh against each engine, and by t_store_*.sh.
$(BUILD)/tests/%_api: tests/e2e/%_api.c tests/e2e/engine_api.h $(LIB)
	@mkdir -p $(@D)
	@echo "  TEST    $@"
	$(Q)$(CC) $(DEVENV_CPPFLAGS) $(DEVENV_CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(DEVENV_LDLIBS)

# The files that a fuzz target sees are in memory: tests/fuzz/fuzz.h.
FUZZ      = $(filter-out files replay,$(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c))))
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_WRAP = -Wl,--wrap=open64,--wrap=stat64,--wrap=lstat64,--wrap=realpath,--wrap=glob64 \
            -Wl,--wrap=globfree64,--wrap=getaddrinfo,--wrap=proc_run
$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/files.c tests/fuzz/fuzz.h tests/fuzz/replay.c $(LIB)
	@mkdir -p $(@D)
	@echo "  FUZZ    $@"
	$(Q)$(CC) $(DEVENV_CPPFLAGS) $(DEVENV_CFLAGS) $(LDFLAGS) $(FUZZ_WRAP) -o $@ $< tests/fuzz/files.c \
	 $(FUZZ_MAIN) $(LIB) $(DEVENV_LDLIBS)

$(BUILD)/devenv.1: $(BUILD)/devenv
	$(Q)$(BUILD)/devenv __gen man > $@

unit: $(BUILD)/devenv $(TESTS) ## build and run the unit tests
	$(Q)tests/unit/run $(TESTS)

demo: ## install what is missing, build, and bring up the sample workspace
	$(Q)tests/e2e/demo

test: ## install what is missing and run every test
	$(Q)tests/run

bench: ## compare with docker compose, desync, cp, zstd and ssh on this machine
	$(Q)tests/bench/run

lint: ## layers, headers, banned functions, sizes, format, shellcheck
	$(Q)tests/lint/run

ASAN := BUILD=$(BUILD)/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
        SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all"
asan: ## build everything under ASan and UBSan and run the unit tests
	$(Q)$(MAKE) $(ASAN) $(BUILD)/asan/devenv unit

replay: ## run the fuzz targets on the inputs in tests/fuzz/corpus under ASan and UBSan
	$(Q)$(MAKE) $(ASAN) $(FUZZ:%=$(BUILD)/asan/fuzz/%)
	$(Q)tests/fuzz/run replay $(BUILD)/asan/fuzz $(FUZZ)

fuzz: ## look for new inputs that break: FUZZ_SECONDS (600) for each target (FUZZ="manifest ...")
	$(Q)$(MAKE) BUILD=$(BUILD)/libfuzzer CC=clang CFLAGS="-O1 -g -fno-omit-frame-pointer" \
	 SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" \
	 FUZZ_MAIN=-fsanitize=fuzzer $(FUZZ:%=$(BUILD)/libfuzzer/fuzz/%)
	$(Q)tests/fuzz/run fuzz $(BUILD)/libfuzzer/fuzz $(FUZZ)

gen: $(BUILD)/devenv ## write completions/ and the README's command list from the command table
	$(Q)mkdir -p completions
	$(Q)$(BUILD)/devenv __gen bash > completions/devenv.bash
	$(Q)$(BUILD)/devenv __gen zsh > completions/_devenv
	$(Q)$(BUILD)/devenv __gen fish > completions/devenv.fish
	$(Q)tests/lint/readme $(BUILD)/devenv write

gen-check: $(BUILD)/devenv ## fail when a generated file differs from what `make gen` writes
	$(Q)$(BUILD)/devenv __gen bash | diff -u completions/devenv.bash -
	$(Q)$(BUILD)/devenv __gen zsh | diff -u completions/_devenv -
	$(Q)$(BUILD)/devenv __gen fish | diff -u completions/devenv.fish -
	$(Q)tests/lint/readme $(BUILD)/devenv check

FORMATTED = $(SRC) $(wildcard src/agent/*.c) src/main.c $(wildcard src/*/*.h include/devenv/*.h tests/*/*.c tests/*/*.h)
format: ## format the C sources, and wrap their comments
	$(Q)tests/lint/wrap $(FORMATTED)
	$(Q)clang-format -i $(FORMATTED)

deps: ## install what is missing to build and test
	$(Q)tests/deps

install: all ## install under $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/devenv $(DESTDIR)$(PREFIX)/bin/devenv
	install -D -m 644 $(BUILD)/devenv.1 $(DESTDIR)$(PREFIX)/share/man/man1/devenv.1
	install -D -m 644 completions/devenv.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/devenv
	install -D -m 644 completions/_devenv $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_devenv
	install -D -m 644 completions/devenv.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/devenv.fish
	mkdir -p $(DESTDIR)$(PREFIX)/share/devenv
	cp -R templates $(DESTDIR)$(PREFIX)/share/devenv/

clean: ## remove what was built
	rm -rf $(BUILD)

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

-include $(OBJ:.o=.d) $(AGENT_OBJ:.o=.d) $(BUILD)/obj/main.d $(addsuffix .d,$(TESTS))
