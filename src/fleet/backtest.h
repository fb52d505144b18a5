// What other thresholds would have said of a device's stored minutes.
//
// Two detectors, one with the thresholds in force and one with the others, judge the same minutes
// by their means, one reading a minute. So only what the thresholds make different shows: equal
// ones give nothing. What lasted less than a minute is not seen.
//
// Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fleet/minutes.h"
#include "model/settings.h"

namespace ota::fleet {

// A stretch of minutes in which the two differ, with the worst level of each.
struct LevelChange {
  WallTime from;
  WallTime to;  // of its last minute, the end
  model::Level now = model::Level::kUnknown;
  model::Level then = model::Level::kUnknown;
  std::string reason;  // the sentence of the verdict that is not stable, at the beginning
};

struct BacktestThresholds {
  model::Thresholds now;   // in force
  model::Thresholds then;  // what would be
};

// `minutes` of one device in order of time.
std::vector<LevelChange> compare_levels(std::span<const Minute> minutes,
                                        const BacktestThresholds& thresholds);

}  // namespace ota::fleet
