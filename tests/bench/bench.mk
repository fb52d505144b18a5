# Benchmarks: programs of their own, not part of `make test`; README.md here says what each row is.

BENCH_ANOMALY_SRC := $(addprefix tests/bench/,bench_anomaly.cpp corpora.cpp bench_faults.cpp bench_joint.cpp bench_memory.cpp \
	fleet_verdicts.cpp)

$(BIN)/bench-anomaly: $(call obj,$(BENCH_ANOMALY_SRC)) $(LIB)
	$(call link,$^) $(LIBS)

bench-anomaly: $(BIN)/bench-anomaly ## the anomaly engine on six labelled public corpora and seeded faults
	@nice $(BIN)/bench-anomaly

VERDICTS_SRC := tests/bench/verdicts.cpp tests/bench/fleet_verdicts.cpp

$(BIN)/verdicts: $(call obj,$(VERDICTS_SRC)) $(LIB)
	$(call link,$^) $(LIBS)

-include $(patsubst %.o,%.d,$(call obj,$(VERDICTS_SRC)))

REV ?= fdced7f
bench-before: $(BIN)/verdicts ## the verdicts and costs of an earlier revision's engine (REV=) beside the present one's
	@tools/bench-before $(REV) --show

-include $(patsubst %.o,%.d,$(call obj,$(BENCH_ANOMALY_SRC)))

BENCH_SRC := $(addprefix tests/bench/,bench.cpp measure.cpp load.cpp peers.cpp serve.cpp floor.cpp large_fleet.cpp \
	bench_memory.cpp \
	rows_ingest.cpp rows_wire.cpp rows_download.cpp rows_store.cpp rows_fleet.cpp rows_brain.cpp rows_virtual.cpp \
	rows_rollout.cpp rows_delta.cpp)
BENCH_OBJ := $(call grouped,bench,$(BENCH_SRC)) $(call obj,tests/support/pty.cpp)

$(BIN)/bench: $(BENCH_OBJ) $(LIB)
	$(call link,$^) $(ALLOCATOR) $(LIBS) $(LIBS_TEST)

-include $(patsubst %.o,%.d,$(BENCH_OBJ))

B ?=
bench: build $(BIN)/bench $(BIN)/verdicts ## every figure beside its peers, as a table and build/bench/report.md; B=ROW runs one
	@$(BIN)/bench $(B)

deps-bench: ## install the peers of the benchmarks: nginx, wrk, FastAPI on uvicorn
	@tools/deps bench

HOT_PATHS_SRC := tests/bench/hot_paths.cpp

$(BIN)/hot-paths: $(call obj,$(HOT_PATHS_SRC)) $(LIB)
	$(call link,$^) $(LIBS)

-include $(patsubst %.o,%.d,$(call obj,$(HOT_PATHS_SRC)))

bench-check: $(BIN)/hot-paths ## instructions of the hot paths against the committed figures (valgrind)
	@tools/bench-check $(BIN)/hot-paths

bench-accept: $(BIN)/hot-paths ## write the present instructions as the figures
	@tools/bench-check $(BIN)/hot-paths --accept
