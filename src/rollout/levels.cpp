#include "rollout/levels.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace ota::rollout {

std::array<Window, 2> past_windows(const Window& window, WallTime start) {
  const auto back = std::chrono::ceil<std::chrono::days>(window.end - start);
  const auto nearest = std::max(std::chrono::days(1), back);
  const auto before = [&](std::chrono::days days) {
    return Window{window.begin - days, window.end - days};
  };
  return {before(nearest), before(nearest + kDay)};
}

double median(std::span<double> values) {
  OTA_ASSERT(!values.empty());
  const std::size_t half = values.size() / 2;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(half);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double level_of(std::span<const double> minutes, std::vector<double>& scratch) {
  constexpr std::size_t kFewest = 3;
  scratch.clear();
  for (const double value : minutes) {
    if (!std::isnan(value)) scratch.push_back(value);
  }
  if (scratch.size() < kFewest || scratch.size() * 2 < minutes.size()) return kNoValue;
  return median(scratch);
}

double past_of(std::span<const double> levels) {
  double sum = 0;
  int known = 0;
  for (const double level : levels) {
    if (std::isnan(level)) continue;
    sum += level;
    ++known;
  }
  return known == 0 ? kNoValue : sum / known;
}

}  // namespace ota::rollout
