// A device's level over a window of minutes, and which windows of its own past that is held
// against: the same time of day, so that a daily course cancels out.
//
// Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/clock.h"
#include "rollout/settings.h"

namespace ota::rollout {

// A minute without a reading, a level that is not known.
inline constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

inline constexpr std::chrono::minutes kMinute{1};
inline constexpr std::chrono::days kDay{1};

// [begin, end).
struct Window {
  WallTime begin;
  WallTime end;
  bool operator==(const Window&) const = default;
  // The first minute that begins in it, and how many do.
  WallTime first_minute() const { return std::chrono::ceil<std::chrono::minutes>(begin); }
  std::uint64_t minutes() const {
    const auto last = std::chrono::ceil<std::chrono::minutes>(end);
    return last <= first_minute()
               ? 0
               : static_cast<std::uint64_t>(
                     std::chrono::duration_cast<std::chrono::minutes>(last - first_minute())
                         .count());
  }
};

// The window of a look at `at` of this age: its later half, so that no two looks of a phase share a
// minute.
inline Window look_window(WallTime at, seconds age) {
  return {at - milliseconds(age) / 2, at};
}

// The same window on the two latest days that it lies on before the rollout's start as a whole.
std::array<Window, 2> past_windows(const Window& window, WallTime start);

// What stands in for days where nobody has one.
inline Window hour_before(WallTime start) {
  return {start - std::chrono::hours(1), start};
}

// The median of the minutes' means; kNoValue where less than half of the minutes, or fewer than
// three, are there. `minutes` has one entry for each minute of the window; `scratch` is room that is
// used again.
double level_of(std::span<const double> minutes, std::vector<double>& scratch);

// The mean of the levels that are known; kNoValue where none is.
double past_of(std::span<const double> levels);

// The median, of at least one value; the order of the values is lost.
double median(std::span<double> values);

}  // namespace ota::rollout
