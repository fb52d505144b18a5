# Benchmarks: programs of their own, not part of `make test`.

BENCH_ANOMALY_SRC := tests/bench/bench_anomaly.cpp tests/bench/benchmark_series.cpp tests/bench/bench_faults.cpp

$(BIN)/bench-anomaly: $(call obj,$(BENCH_ANOMALY_SRC)) $(LIB)
	$(call link,$^)

bench-anomaly: $(BIN)/bench-anomaly ## the anomaly engine on labelled public series and seeded faults
	@$(BIN)/bench-anomaly

-include $(patsubst %.o,%.d,$(call obj,$(BENCH_ANOMALY_SRC)))
