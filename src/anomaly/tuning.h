// The numbers of the engine that were fitted, in one place, so that `make bench-anomaly` can fit
// them again without a corpus and show what they are worth on it. README.md has the plateau of
// each. Nothing else sets one: a device has no tuning of its own.
#pragma once

#include <cstdint>

namespace ota::anomaly {

struct Tuning {
  double bar = 3;                 // decades of rarity that an alarm takes on a quiet device
  double fatigue = 0.5;           // decades that each alarm past the free ones raises the bar by
  double free_alarms = 3;         // alarms within the last days that cost nothing: one a day
  double tail_index = 0.25;       // of a metric's tail before it has shown its own (Pareto's xi)
  std::uint32_t hot_eighths = 1;  // what a reading of a hot device teaches, in eighths
  std::uint32_t sizes = 0x1F;     // which of the five are looked at, a bit each
  std::size_t rarest = 3;         // metrics whose rarities are pooled, at most 3
  // Rows before this one that can confirm it; at most kMostConfirming. 0: each counts by itself.
  std::size_t confirming = 2;
};

inline constexpr std::size_t kMostConfirming = 4;

inline constexpr Tuning kShippedTuning{};
// Of the reference whose vectors the tests hold the engine to: each row counts by itself.
inline constexpr Tuning kReferenceTuning = [] {
  Tuning tuning;
  tuning.confirming = 0;
  return tuning;
}();

}  // namespace ota::anomaly
