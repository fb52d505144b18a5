# Secure OTA. `make help` lists what this file can do.
#
# One archive holds every floor of src/ but the entry points; each program links what it uses of it, so the agent
# carries neither curses nor SQLite. Objects live in build/MODE/, where MODE follows SANITIZER, so that a sanitizer
# build never mixes with the plain one. Dependencies are tracked for each object by -MMD.

SHELL := /bin/bash
comma := ,
empty :=
space := $(empty) $(empty)
.DEFAULT_GOAL := build
MAKEFLAGS += --no-builtin-rules

CXX := $(if $(filter default,$(origin CXX)),g++,$(CXX))
SANITIZER ?=
PREFIX ?= /usr/local
DESTDIR ?=
T ?= 60
JOBS ?= $(shell nproc)
# Every core is used (JOBS=N: so many). A make that another one calls has that one's jobserver.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif

MODE := $(if $(SANITIZER),$(SANITIZER),release)$(if $(findstring clang,$(CXX)),-clang)
OUT := build/$(MODE)
BIN := $(if $(filter release,$(MODE)),build/bin,$(OUT)/bin)

CCACHE := $(shell command -v ccache 2>/dev/null)
export CCACHE_SLOPPINESS := pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

# Debian 12 ships Boost 1.81 beside its default 1.74; both keep their headers in /usr/include, so nothing is named here.
PKGS := libcurl openssl sqlite3 ncursesw simdjson libconfig libzstd
PKG_CFLAGS := $(patsubst -I/%,-isystem /%,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CPPFLAGS += -Isrc -I. -I$(OUT)/gen -DBOOST_ERROR_CODE_HEADER_ONLY -DBOOST_PROCESS_USE_STD_FS -DBOOST_ASIO_NO_DEPRECATED
CXXFLAGS_ALL := -std=c++20 -pthread $(WARN) $(PKG_CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now,--as-needed -pthread $(LDFLAGS)

ifeq ($(SANITIZER),address)
# Left out of UBSan, for a fourth of the compile time: what ASan stops at as well.
CXXFLAGS_ALL += -O1 -g1 -fno-omit-frame-pointer -fPIE -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-sanitize=null,object-size --param asan-instrumentation-with-call-threshold=0
LDFLAGS_ALL += -fsanitize=address,undefined
else ifeq ($(SANITIZER),undefined)
CXXFLAGS_ALL += -O1 -g1 -fPIE -fsanitize=undefined -fno-sanitize-recover=all
LDFLAGS_ALL += -fsanitize=undefined
else ifeq ($(SANITIZER),thread)
CXXFLAGS_ALL += -O1 -g1 -fPIE -fsanitize=thread
LDFLAGS_ALL += -fsanitize=thread
else
CXXFLAGS_ALL += -O2 -g1 $(HARDEN)
endif
# g++ 12 reports false maybe-uninitialized and tsan warnings in Asio and Catch2 when it instruments.
ifneq ($(SANITIZER),)
ifeq ($(findstring clang,$(CXX)),)
CXXFLAGS_ALL += -Wno-error=maybe-uninitialized -Wno-tsan
endif
endif
CXXFLAGS_ALL += $(CXXFLAGS)
# The programs are tested as they ship; the tests' own code is not optimized, which saves four tenths of its compile time,
# nor watched by UBSan, whose checks of Catch's and the JSON library's templates take as long as all the rest.
TEST_CXXFLAGS := $(patsubst -O%,-O0,$(filter-out -D_FORTIFY_SOURCE=%,$(CXXFLAGS_ALL)))
TEST_CXXFLAGS := $(patsubst -fsanitize=address$(comma)undefined,-fsanitize=address,$(TEST_CXXFLAGS))

LIBS_AGENT := -lcurl -lssl -lcrypto -lzstd
LIBS := $(LIBS_AGENT) -lsqlite3 -lsimdjson -lncursesw -ltinfo -lconfig -lutf8proc -ldivsufsort
LIBS_TEST := -lvterm -lutil
# Of programs in which one thread frees what another made, by the thousand. A sanitizer has an allocator of its own.
ALLOCATOR := $(if $(SANITIZER),,-ljemalloc)

LIB_SRC := $(filter-out src/main/%,$(wildcard src/*/*.cpp src/*/*/*.cpp))
AGENT_SRC := $(filter-out agents/main.cpp,$(wildcard agents/*.cpp))
TEST_SUPPORT_SRC := $(wildcard tests/support/*.cpp)
UNIT_SRC := $(wildcard tests/unit/*_test.cpp tests/unit/*/*_test.cpp tests/unit/*/*/*_test.cpp)
GOLDEN_SRC := $(wildcard tests/golden/*_test.cpp)
INTEGRATION_SRC := $(wildcard tests/integration/*_test.cpp)
E2E_SRC := $(wildcard tests/e2e/*_test.cpp)
TUF_CLIENT_SRC := $(wildcard tests/tuf_client/*.cpp)
# Preloaded into the programs by scenarios that move their clocks; no program is linked with it.
CLOCK_SHIFT := $(if $(SANITIZER),,$(BIN)/clock-shift.so)

# ThreadSanitizer watches the tests that have threads.
ifeq ($(SANITIZER),thread)
UNIT_SRC := $(shell grep -l '\[threads\]' $(UNIT_SRC))
endif

obj = $(patsubst %.cpp,$(OUT)/%.o,$(1))
# Files of one folder are compiled together, GROUP at a time: most of a compile goes into the headers that they share.
# GROUP=1 compiles each file alone. Apart stand what the agent takes of a floor that holds more than it may link, and the
# views that are tables, each with columns of its own, and the one file that asks for what OpenSSL calls deprecated.
GROUP ?= 8
APART := src/delta/encoder.cpp src/delta/hash_index.cpp src/delta/matcher.cpp src/delta/patch_file.cpp src/delta/program.cpp \
	src/delta/suffix_index.cpp src/http/client.cpp src/http/pinned_authority.cpp src/sim/profile.cpp src/tuf/pkcs11.cpp \
	$(shell grep -l "^enum Column" src/console/views/*.cpp)
# The units' names are kept beside the list of sources that they were made of: only another list is grouped anew.
units = $(strip $(if $(filter $(call one_word,$(2)),$(call one_word,$(file <$(OUT)/group/$(1).sources))), \
	$(file <$(OUT)/group/$(1).units),$(call regroup,$(1),$(2))))
regroup = $(shell mkdir -p $(OUT)/group && tools/group $(OUT)/group $(2) | tee $(OUT)/group/$(1).units)$(file \
	>$(OUT)/group/$(1).sources,$(2))
one_word = =$(subst $(space),:,$(strip $(1)))
grouped = $(patsubst %.cpp,%.o,$(call units,$(1),$(GROUP) $(2) --apart $(APART)))
LIB_OBJ := $(call grouped,lib,$(LIB_SRC))
# Tests by fours: their files are longer, and one that was changed should be built again soon.
TEST_GROUP ?= $(if $(filter 1,$(GROUP)),1,4)
grouped_tests = $(patsubst %.cpp,%.o,$(call units,$(1),$(TEST_GROUP) $(2) --apart))
UNIT_OBJ := $(call grouped_tests,unit,$(UNIT_SRC))
GOLDEN_OBJ := $(call grouped_tests,golden,$(GOLDEN_SRC))
INTEGRATION_OBJ := $(call grouped_tests,integration,$(INTEGRATION_SRC))
E2E_OBJ := $(call grouped_tests,e2e,$(E2E_SRC))
TEST_OBJ := $(UNIT_OBJ) $(GOLDEN_OBJ) $(INTEGRATION_OBJ) $(E2E_OBJ)
AGENT_OBJ := $(call grouped,agent,$(AGENT_SRC))
LIB := $(OUT)/libota.a
AGENT_LIB := $(OUT)/libota-agent.a
PROGRAMS := $(patsubst src/main/%.cpp,$(BIN)/%,$(wildcard src/main/otactl.cpp))
PROGRAMS := $(PROGRAMS) $(if $(wildcard src/main/ota_console.cpp),$(BIN)/ota-console) \
	$(if $(wildcard src/main/ota_sim.cpp),$(BIN)/ota-sim) $(if $(wildcard src/main/ota_delta.cpp),$(BIN)/ota-delta)
PROGRAMS := $(PROGRAMS) $(if $(wildcard agents/main.cpp),$(BIN)/ota-agent)
TESTS := $(if $(UNIT_SRC),$(BIN)/unit-tests) $(if $(GOLDEN_SRC),$(BIN)/golden-tests) \
	$(if $(INTEGRATION_SRC),$(BIN)/integration-tests) $(if $(E2E_SRC),$(BIN)/e2e-tests) \
	$(if $(TUF_CLIENT_SRC),$(BIN)/tuf-client)

# One precompiled header of the standard library and nlohmann/json halves the build; each file still includes what it
# uses (`make syntax` and clang-tidy compile without it). Clang and the sanitizer's compiler differ in format: g++ only.
ifeq ($(findstring clang,$(CXX)),)
PCH := $(OUT)/pch/prelude.h
TEST_PCH := $(OUT)/pch/test_prelude.h
USE_PCH := -Winvalid-pch -include $(PCH)
USE_TEST_PCH := -Winvalid-pch -include $(TEST_PCH)
GROUP_WARN := -Wno-subobject-linkage
PCH_DEP := $(PCH).gch
TEST_PCH_DEP := $(TEST_PCH).gch
else
PCH_DEP := $(OUT)/flags
TEST_PCH_DEP := $(OUT)/flags
endif

# What everything was compiled with: other flags mean that everything is compiled anew.
COMPILED_WITH := $(CXX) $(CPPFLAGS) $(CXXFLAGS_ALL) tests: $(TEST_CXXFLAGS)
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILED_WITH)' | cmp -s - $@ || echo '$(COMPILED_WITH)' > $@
FORCE:

.PHONY: build run test test-remote test-drills explore planted mutants test-interop deps-interop check deps lint format tidy syntax asan tsan bench bench-anomaly bench-before install clean help approve fuzz FORCE sanitized clock-shift \
	tests deps-bench bench-check bench-accept lint-fast compile-commands
.SECONDARY:

build: compile_commands.json $(PROGRAMS) ## build the programs into build/bin (the default)

tests: build $(TESTS) $(CLOCK_SHIFT) ## build every test program

clock-shift: $(CLOCK_SHIFT)

# What the sanitizers run: no programs but the agent, which integration tests start.
sanitized: $(filter-out $(BIN)/e2e-tests $(if $(filter thread,$(SANITIZER)),$(BIN)/golden-tests $(BIN)/tuf-client),$(TESTS)) $(BIN)/ota-agent

run: deps ## install what is missing, build, open the console with its local agents
	@$(MAKE) --no-print-directory build
	@$(BIN)/ota-console --root .

test: deps ## install what is missing, build, run every test
	@tools/deps token || echo "test: no token to sign on: what signs with one is left out" >&2
	@$(MAKE) --no-print-directory tests
	@tools/run-tests $(BIN) all

check: ## all that CI runs
	@bash .ci/run

deps: ## install what the build needs and does not find (nothing to do: no network)
	@tools/deps build

$(OUT)/pch/%.h: tools/pch/%.h
	@mkdir -p $(@D)
	@cp $< $@
$(TEST_PCH_DEP): tests/support/json_instances.h
$(OUT)/pch/%.h.gch: $(OUT)/pch/%.h $(OUT)/flags
	@echo "pch $<"
	@$(CCACHE) $(CXX) $(CPPFLAGS) $(if $(findstring test_,$<),$(TEST_CXXFLAGS),$(CXXFLAGS_ALL)) -x c++-header -c $< -o $@

# The API's description, as a constant of the program.
OPENAPI := $(OUT)/gen/gen/api/openapi_json.h
$(OPENAPI): src/api/openapi.json
	@mkdir -p $(@D)
	@{ echo '#pragma once'; echo '#include <string_view>'; echo 'namespace ota::api {'; \
	  echo 'inline constexpr std::string_view kOpenApiJson = R"__json('; cat $<; \
	  echo ')__json";'; echo '}  // namespace ota::api'; } > $@
$(LIB_OBJ): | $(OPENAPI)

# Classes of unnamed namespaces as members is what -Wsubobject-linkage warns of in headers; a unit includes sources.
$(OUT)/group/%.o: $(OUT)/group/%.cpp $(PCH_DEP)
	@echo "c++ $*: $$(sed -E 's/.*\/(.*)\.cpp"/\1/' $< | tr '\n' ' ')"
	@$(CCACHE) $(CXX) $(USE_PCH) $(CPPFLAGS) $(CXXFLAGS_ALL) $(GROUP_WARN) -MMD -MP -c $< -o $@

$(TEST_OBJ): private USE_PCH := $(USE_TEST_PCH)
$(TEST_OBJ): private CXXFLAGS_ALL := $(TEST_CXXFLAGS)
$(TEST_OBJ): $(TEST_PCH_DEP)

$(OUT)/src/%.o: src/%.cpp $(PCH_DEP)
	@mkdir -p $(@D)
	@echo "c++ $<"
	@$(CCACHE) $(CXX) $(USE_PCH) $(CPPFLAGS) $(CXXFLAGS_ALL) -MMD -MP -c $< -o $@
$(OUT)/agents/%.o: agents/%.cpp $(PCH_DEP)
	@mkdir -p $(@D)
	@echo "c++ $<"
	@$(CCACHE) $(CXX) $(USE_PCH) $(CPPFLAGS) $(CXXFLAGS_ALL) -MMD -MP -c $< -o $@
$(OUT)/tests/%.o: tests/%.cpp $(TEST_PCH_DEP)
	@mkdir -p $(@D)
	@echo "c++ $<"
	@$(CCACHE) $(CXX) $(USE_TEST_PCH) $(CPPFLAGS) $(TEST_CXXFLAGS) -MMD -MP -c $< -o $@

# What measures, and the client that is judged as a program, are optimized.
OPTIMIZED := $(call obj,$(wildcard tests/bench/*.cpp tests/tuf_client/*.cpp))
$(OPTIMIZED): private USE_TEST_PCH := $(USE_PCH)
$(OPTIMIZED): private TEST_CXXFLAGS := $(CXXFLAGS_ALL)
$(OPTIMIZED): $(PCH_DEP)

# Catch2 2 builds its runner, and the JSON instances are made, out of headers that the prelude holds already.
$(OUT)/tests/support/main.o $(OUT)/tests/support/json_instances.o: USE_TEST_PCH :=

$(LIB): $(LIB_OBJ)
	@rm -f $@
	@ar rcs $@ $^
$(AGENT_LIB): $(AGENT_OBJ)
	@rm -f $@
	@ar rcs $@ $^

link = @mkdir -p $(@D) && echo "link $@" && $(CXX) $(CXXFLAGS_ALL) -o $@ $(1) $(LDFLAGS_ALL)
CONSOLE_SRC := $(filter-out src/main/otactl.cpp src/main/ota_sim.cpp src/main/ota_delta.cpp,$(wildcard src/main/*.cpp))
CONSOLE_OBJ := $(call grouped,console,$(CONSOLE_SRC))
$(BIN)/ota-console: $(CONSOLE_OBJ) $(LIB)
	$(call link,$^) $(ALLOCATOR) $(LIBS)
$(BIN)/otactl: $(OUT)/src/main/otactl.o $(LIB)
	$(call link,$< $(LIB)) $(LIBS)
$(BIN)/ota-delta: $(OUT)/src/main/ota_delta.o $(LIB)
	$(call link,$< $(LIB)) $(LIBS)
# Whole agents live in the simulated world (src/world). INSTEAD: objects that stand in for what the archives hold of the
# same sources (tests/world/planted).
$(BIN)/ota-sim: $(OUT)/src/main/ota_sim.o $(INSTEAD) $(LIB) $(AGENT_LIB)
	$(call link,$< $(INSTEAD) $(LIB) $(AGENT_LIB) $(LIB)) $(ALLOCATOR) $(LIBS) $(if $(INSTEAD),-Wl$(comma)-z$(comma)muldefs)
$(BIN)/ota-agent: $(OUT)/agents/main.o $(AGENT_LIB) $(LIB)
	$(call link,$< $(AGENT_LIB) $(LIB)) $(LIBS_AGENT)
$(BIN)/tuf-client: $(call obj,$(TUF_CLIENT_SRC)) $(AGENT_LIB) $(LIB)
	$(call link,$^) $(LIBS_AGENT)

$(BIN)/clock-shift.so: tests/clock_shift/clock_shift.cpp $(OUT)/flags
	@mkdir -p $(@D)
	@echo "c++ $<"
	@$(CXX) $(CXXFLAGS_ALL) -fPIC -shared -o $@ $<

# The host's parts that decide something by themselves are tested without the host.
HOST_PARTS_SRC := src/main/operator_asks.cpp src/main/rate_meter.cpp src/main/log_keeper.cpp
$(BIN)/unit-tests: $(UNIT_OBJ) $(call obj,$(TEST_SUPPORT_SRC) $(HOST_PARTS_SRC)) $(LIB) $(AGENT_LIB)
	$(call link,$^ $(LIB)) $(LIBS) $(LIBS_TEST)
$(BIN)/golden-tests: $(GOLDEN_OBJ) $(call obj,$(TEST_SUPPORT_SRC)) $(LIB) $(AGENT_LIB)
	$(call link,$^ $(LIB)) $(LIBS) $(LIBS_TEST)
$(BIN)/integration-tests: $(INTEGRATION_OBJ) $(call obj,$(TEST_SUPPORT_SRC)) $(LIB) $(AGENT_LIB)
	$(call link,$^ $(LIB)) $(LIBS) $(LIBS_TEST)
$(BIN)/e2e-tests: $(E2E_OBJ) $(call obj,$(TEST_SUPPORT_SRC)) $(LIB) $(AGENT_LIB)
	$(call link,$^ $(LIB)) $(LIBS) $(LIBS_TEST)

compile_commands.json: Makefile tools/compile-commands $(LIB_SRC) $(AGENT_SRC)
	@tools/compile-commands "$(CXX) $(CPPFLAGS) $(CXXFLAGS_ALL)" > $@.tmp && mv $@.tmp $@

lint: lint-fast syntax tidy ## format check, include directions, names, shellcheck, each source alone, clang-tidy

lint-fast: ## the part of lint that takes seconds
	@tools/lint

syntax: compile_commands.json $(OPENAPI) ## each source and header compiles alone, and its locks hold what they say (clang)
	@tools/syntax

tidy: compile_commands.json ## clang-tidy over src/ and agents/
	@tools/tidy

format: ## rewrite sources in the house's format
	@git ls-files '*.cpp' '*.h' | xargs clang-format -i

test-remote: build ## a device in another network namespace, start to revocation (root; about 2 minutes)
	@tests/e2e/remote-host.sh $(BIN)

test-drills: ## see each drill, and tests of attacks, fail without the defence they are about (about 30 minutes)
	@tests/drills/without-defences

mutants: ## how many single-point slips in critical code the tests notice (about an hour)
	@tests/mutants/run

deps-interop: ## install Debian's swupdate and what makes images for it
	@tools/deps interop

explore: $(BIN)/ota-sim ## live through simulated fleets: kept plans, fixed seeds, this commit's seeds (under 2 minutes)
	@tests/world/explore $(BIN)

planted: ## see the simulator find each planted bug (some 2 minutes each; PLANTED="--seeds 300 NAME...")
	@tests/world/planted $(PLANTED)

test-interop: deps-interop ## the real swupdate against this console, over hawkBit's DDI (about 2 minutes)
	@$(MAKE) --no-print-directory build $(BIN)/e2e-tests
	@tools/run-tests $(BIN) interop

asan: ## unit, golden and integration tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory SANITIZER=address sanitized
	@tools/run-tests build/address/bin sanitize

tsan: ## the tests with threads under ThreadSanitizer
	@$(MAKE) --no-print-directory SANITIZER=thread sanitized
	@tools/run-tests build/thread/bin threads

approve: ## accept the screens that the last golden run wrote (read the diff first)
	@tools/approve

-include tests/bench/bench.mk
-include tests/fuzz/fuzz.mk

install: build ## install programs, default configuration and systemd units (PREFIX, DESTDIR)
	@tools/install "$(DESTDIR)" "$(PREFIX)" "$(BIN)"

clean: ## remove all that was built
	rm -rf build compile_commands.json

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(AGENT_OBJ) $(CONSOLE_OBJ) $(TEST_OBJ) \
	$(call obj,$(TEST_SUPPORT_SRC) $(TUF_CLIENT_SRC) agents/main.cpp $(wildcard src/main/*.cpp)))
