# libFuzzer targets: one program for each tests/fuzz/NAME_fuzz.cpp, with the corpus tests/fuzz/corpus/NAME and, where there is
# one, a dictionary of words tests/fuzz/dict/NAME.dict.
#
# `make fuzz T=60` runs each for T seconds, two at a time, under AddressSanitizer and UBSan (tests/fuzz/run says what it prints
# and where what it finds lies); FUZZ="swu tuf_json" chooses. New inputs stay in build/fuzz/corpus; `make fuzz-merge` adds the
# fewest of them that reach all edges that the committed corpus does not.

FUZZ_CXX ?= clang++
FUZZ_OUT := build/fuzz
FUZZ_LIB_SRC := $(wildcard src/base/*.cpp src/model/*.cpp src/tuf/*.cpp) src/http/request_parser.cpp \
	src/http/target.cpp src/http/range.cpp src/pki/x509.cpp src/pki/join_code.cpp src/ddi/wire.cpp \
	src/fleet/ddi_machine.cpp src/fleet/job_machine.cpp
# What a device reads of its server, and a signer of his.
FUZZ_LIB_SRC += agents/answer.cpp agents/command.cpp agents/update_state.cpp src/http/client.cpp \
	src/http/pinned_authority.cpp src/cli/swu_archive.cpp src/cli/swu_description.cpp
# What the server reads of files, devices and strangers.
FUZZ_LIB_SRC += src/api/telemetry_decode.cpp $(wildcard src/config/*.cpp src/audit/*.cpp) src/anomaly/csv_rows.cpp $(wildcard src/rollout/*.cpp) \
	src/fleet/record_reader.cpp src/store/state_file.cpp src/store/event_document.cpp src/store/audit_chain.cpp \
	src/store/audit_head.cpp src/http/peer_certificate.cpp
# What a device reads of a patch.
FUZZ_LIB_SRC += src/delta/head.cpp src/delta/decoder.cpp src/delta/apply.cpp src/delta/error.cpp
FUZZ_TARGETS := $(patsubst tests/fuzz/%_fuzz.cpp,%,$(wildcard tests/fuzz/*_fuzz.cpp))
FUZZ_FLAGS := -std=c++20 -O1 -g1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all $(WARN) $(PKG_CFLAGS)
FUZZ_OBJ := $(patsubst %.cpp,$(FUZZ_OUT)/%.o,$(FUZZ_LIB_SRC))
FUZZ_LIB := $(FUZZ_OUT)/libfuzzed.a
FUZZ ?= $(FUZZ_TARGETS)

.PHONY: fuzz-merge

$(FUZZ_OUT)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo "fuzz c++ $<"
	@$(CCACHE) $(FUZZ_CXX) $(CPPFLAGS) $(FUZZ_FLAGS) -MMD -MP -c $< -o $@

# Of this file too: a source that was added to a list above may be older than the archive.
$(FUZZ_LIB): $(FUZZ_OBJ) tests/fuzz/fuzz.mk
	@rm -f $@ && ar rcs $@ $(FUZZ_OBJ)

$(FUZZ_OUT)/bin/%: $(FUZZ_OUT)/tests/fuzz/%_fuzz.o $(FUZZ_LIB)
	@mkdir -p $(@D)
	@$(FUZZ_CXX) -fsanitize=fuzzer,address,undefined $^ -lcurl -lssl -lcrypto -lconfig -lsimdjson -lzstd -o $@

fuzz: $(addprefix $(FUZZ_OUT)/bin/,$(FUZZ)) ## run each fuzz target for T seconds (T=60), two at a time
	@tests/fuzz/run $(T) $(FUZZ)

fuzz-merge: $(addprefix $(FUZZ_OUT)/bin/,$(FUZZ))
	@for target in $(FUZZ); do \
	  mkdir -p $(FUZZ_OUT)/corpus/$$target; \
	  $(FUZZ_OUT)/bin/$$target -set_cover_merge=1 -use_counters=0 -max_len=2048 tests/fuzz/corpus/$$target \
	    $(FUZZ_OUT)/corpus/$$target 2>/dev/null; \
	  echo "$$target: $$(ls tests/fuzz/corpus/$$target | wc -l) inputs"; \
	done

-include $(patsubst %.o,%.d,$(FUZZ_OBJ) $(patsubst %,$(FUZZ_OUT)/tests/fuzz/%_fuzz.o,$(FUZZ_TARGETS)))
