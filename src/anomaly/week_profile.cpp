#include "anomaly/week_profile.h"

namespace ota::anomaly {

WeekProfile::Hour WeekProfile::at(WallTime time) {
  constexpr auto kWeek = static_cast<std::int64_t>(kDays * kHours);
  const std::int64_t hours =
      std::chrono::floor<std::chrono::hours>(time.time_since_epoch()).count();
  const auto hour = static_cast<std::size_t>((hours % kWeek + kWeek) % kWeek);
  std::unique_ptr<Day>& day = days_[hour / kHours];
  if (!day) day = std::make_unique<Day>();
  return {day->usual[hour % kHours], day->seen[hour % kHours]};
}

}  // namespace ota::anomaly
