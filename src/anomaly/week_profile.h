// What is usual at each hour of the week, for one metric.
//
// A day's hours are made when the day first has a reading: a fleet that has been known for an hour
// does not pay for a week. 56 bytes, and 128 for each day. Pure. Thread: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"

namespace ota::anomaly {

class WeekProfile {
 public:
  static constexpr std::uint8_t kSettled = 255;  // readings that are counted for an hour

  // Floats: what they round away is far below any spread that counts.
  struct Hour {
    float& usual;
    std::uint8_t& seen;  // readings, up to kSettled
  };
  // Good as long as the profile. Allocates at the first call for a day of the week, 7 times in all.
  Hour at(WallTime time);
  // at(time) is called soon (base/prefetch.h).
  void fetch_ahead(WallTime time) const;

 private:
  static constexpr std::size_t kDays = 7;
  static constexpr std::size_t kHours = 24;

  static std::size_t hour_of(WallTime time);  // of the week

  struct Day {
    std::array<float, kHours> usual{};
    std::array<std::uint8_t, kHours> seen{};
  };
  std::array<std::unique_ptr<Day>, kDays> days_;
};

}  // namespace ota::anomaly
