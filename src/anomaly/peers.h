// A device beside the others of its group: a heat wave or a batch job lifts all of them, a fault
// one.
//
// The verdict says which. It changes no level: an update during a heat wave is no better an idea
// than one on a hot device; but what to look at is another thing. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "model/telemetry.h"
#include "model/verdict.h"

namespace ota::anomaly {

// Metrics that are over a limit or above what is usual for their device, one bit each in the order
// of model::Metric.
using Risen = std::uint8_t;

// The other devices of the group that send telemetry now.
struct Peers {
  std::string group;
  std::uint32_t online = 0;
  std::array<std::uint32_t, model::kMetricCount> risen{};  // of them, by metric
};

// Fewer others than this tell nothing.
inline constexpr std::uint32_t kFewestPeers = 3;

// Sets scope and group of a verdict that has a risen metric: shared where at least half of the
// others have the same one, for the metric that most share.
void add_peers(model::Verdict& verdict, const Peers& peers);

}  // namespace ota::anomaly
