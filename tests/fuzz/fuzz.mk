# libFuzzer targets: one program for each tests/fuzz/NAME_fuzz.cpp, with the corpus tests/fuzz/corpus/NAME.
#
# `make fuzz T=60` runs each for T seconds under AddressSanitizer and UBSan; what it finds lies in build/fuzz/found.
# A dictionary of words lies in tests/fuzz/dict/NAME.dict, where there is one. New inputs stay in build/fuzz/corpus; `make fuzz-merge` adds the ones that reach new code to the committed corpus.

FUZZ_CXX ?= clang++
FUZZ_OUT := build/fuzz
FUZZ_LIB_SRC := $(wildcard src/base/*.cpp src/model/*.cpp src/tuf/*.cpp) src/http/request_parser.cpp \
	src/http/target.cpp src/http/range.cpp src/pki/x509.cpp src/pki/join_code.cpp src/api/ddi_wire.cpp \
	src/fleet/ddi_machine.cpp src/fleet/job_machine.cpp
# What a device reads of its server, and a signer of his.
FUZZ_LIB_SRC += agents/answer.cpp agents/command.cpp agents/update_state.cpp src/cli/swu_archive.cpp \
	src/cli/swu_description.cpp
# What the server reads of files, devices and strangers.
FUZZ_LIB_SRC += src/api/telemetry_decode.cpp \
	$(wildcard src/config/*.cpp) src/anomaly/csv_rows.cpp src/fleet/record_reader.cpp src/store/state_file.cpp src/store/event_document.cpp \
	$(wildcard src/audit/*.cpp) src/store/audit_chain.cpp src/http/peer_certificate.cpp
FUZZ_TARGETS := $(patsubst tests/fuzz/%_fuzz.cpp,%,$(wildcard tests/fuzz/*_fuzz.cpp))
FUZZ_FLAGS := -std=c++20 -O1 -g1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all $(WARN) $(PKG_CFLAGS)
FUZZ_LIB := $(patsubst %.cpp,$(FUZZ_OUT)/%.o,$(FUZZ_LIB_SRC))

.PHONY: fuzz-merge

$(FUZZ_OUT)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo "fuzz c++ $<"
	@$(CCACHE) $(FUZZ_CXX) $(CPPFLAGS) $(FUZZ_FLAGS) -MMD -MP -c $< -o $@

$(FUZZ_OUT)/bin/%: $(FUZZ_OUT)/tests/fuzz/%_fuzz.o $(FUZZ_LIB)
	@mkdir -p $(@D)
	@$(FUZZ_CXX) -fsanitize=fuzzer,address,undefined $^ -lcrypto -lconfig -lsimdjson -o $@

fuzz: $(addprefix $(FUZZ_OUT)/bin/,$(FUZZ_TARGETS)) ## run each fuzz target for T seconds (T=60)
	@mkdir -p $(FUZZ_OUT)/found
	@set -e; for target in $(FUZZ_TARGETS); do \
	  mkdir -p $(FUZZ_OUT)/corpus/$$target; \
	  echo "== fuzz $$target for $(T) s"; \
	  $(FUZZ_OUT)/bin/$$target -max_total_time=$(T) -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
	    -artifact_prefix=$(FUZZ_OUT)/found/$$target- \
	    $$([ ! -f tests/fuzz/dict/$$target.dict ] || echo -dict=tests/fuzz/dict/$$target.dict) $(FUZZ_OUT)/corpus/$$target tests/fuzz/corpus/$$target \
	    2>&1 | grep -E 'ERROR|SUMMARY|stat::|Test unit' || true; \
	  ! ls $(FUZZ_OUT)/found/$$target-* >/dev/null 2>&1 || { echo "fuzz: $$target found inputs that break it"; exit 1; }; \
	done; echo "fuzz: clean"

fuzz-merge: $(addprefix $(FUZZ_OUT)/bin/,$(FUZZ_TARGETS))
	@for target in $(FUZZ_TARGETS); do \
	  $(FUZZ_OUT)/bin/$$target -merge=1 -max_len=2048 tests/fuzz/corpus/$$target $(FUZZ_OUT)/corpus/$$target 2>/dev/null; \
	done

-include $(patsubst %.o,%.d,$(FUZZ_LIB) $(patsubst %,$(FUZZ_OUT)/tests/fuzz/%_fuzz.o,$(FUZZ_TARGETS)))
