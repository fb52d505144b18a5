#include "anomaly/week_profile.h"

#include "base/prefetch.h"

namespace ota::anomaly {

std::size_t WeekProfile::hour_of(WallTime time) {
  constexpr auto kWeek = static_cast<std::int64_t>(kDays * kHours);
  const std::int64_t hours =
      std::chrono::floor<std::chrono::hours>(time.time_since_epoch()).count();
  return static_cast<std::size_t>((hours % kWeek + kWeek) % kWeek);
}

void WeekProfile::fetch_ahead(WallTime time) const {
  if (const auto& day = days_[hour_of(time) / kHours]) prefetch(day.get(), sizeof(Day));
}

WeekProfile::Hour WeekProfile::at(WallTime time) {
  const std::size_t hour = hour_of(time);
  std::unique_ptr<Day>& day = days_[hour / kHours];
  if (!day) day = std::make_unique<Day>();
  return {day->usual[hour % kHours], day->seen[hour % kHours]};
}

}  // namespace ota::anomaly
