# Benchmarks: programs of their own, not part of `make test`.

BENCH_ANOMALY_SRC := tests/bench/bench_anomaly.cpp tests/bench/benchmark_series.cpp tests/bench/bench_faults.cpp tests/bench/bench_joint.cpp

$(BIN)/bench-anomaly: $(call obj,$(BENCH_ANOMALY_SRC)) $(LIB)
	$(call link,$^)

bench-anomaly: $(BIN)/bench-anomaly ## the anomaly engine on labelled public series and seeded faults
	@$(BIN)/bench-anomaly

-include $(patsubst %.o,%.d,$(call obj,$(BENCH_ANOMALY_SRC)))

BENCH_HTTP_SRC := tests/bench/bench_http.cpp
BENCH_HTTP_SUPPORT := tests/support/tls_client.cpp

$(BIN)/bench-http: $(call obj,$(BENCH_HTTP_SRC) $(BENCH_HTTP_SUPPORT)) $(LIB)
	$(call link,$(call obj,$(BENCH_HTTP_SRC) $(BENCH_HTTP_SUPPORT)) $(LIB)) $(LIBS_AGENT)

bench-http: $(BIN)/bench-http ## the HTTPS server beside nginx (needs wrk): requests, downloads, handshakes, memory
	@$(BIN)/bench-http

-include $(patsubst %.o,%.d,$(call obj,$(BENCH_HTTP_SRC)))

bench: bench-http bench-anomaly ## every benchmark, one after the other
