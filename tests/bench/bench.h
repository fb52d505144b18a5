// The rows of `make bench`, and what they share.
//
// A row measures and returns lines; the table of rows is in bench.cpp. Rows run one after the other
// in one process that never has more than one thread of its own while it starts a server.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "sim/provision.h"
#include "tests/bench/measure.h"

namespace ota::bench {

struct Bench {
  std::filesystem::path folder;    // of this run alone
  std::filesystem::path programs;  // build/bin
  std::uint64_t descriptors = 0;   // that one process may have open
  const Clock& clock;
};

using Lines = std::vector<Line>;

// rows_ingest.cpp
Lines ingest_row(Bench& bench);
// rows_wire.cpp
Lines handshake_row(Bench& bench);
Lines memory_row(Bench& bench);
Lines fan_out_row(Bench& bench);
// rows_download.cpp
Lines download_row(Bench& bench);
Lines fairness_row(Bench& bench);
// rows_store.cpp
Lines store_row(Bench& bench);
Lines events_row(Bench& bench);
// rows_fleet.cpp
Lines size_row(Bench& bench);
Lines devices_row(Bench& bench);
Lines console_row(Bench& bench);
// rows_brain.cpp
Lines brain_row(Bench& bench);
// rows_delta.cpp
Lines delta_row(Bench& bench);
// rows_virtual.cpp
Lines fleet_row(Bench& bench);
Lines agent_row(Bench& bench);
// rows_rollout.cpp
Lines rollout_row(Bench& bench);

}  // namespace ota::bench
