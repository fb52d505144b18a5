#include "anomaly/step_model.h"

#include <algorithm>
#include <cmath>

namespace ota::anomaly {

double StepModel::observe(double value) {
  constexpr double kLevelRate = 1.0 / 30;  // short beside a day at one reading a minute
  constexpr double kNoiseRate = 1.0 / 240;
  constexpr std::uint32_t kWarm = 4 * kWindow;
  constexpr double kClip = 3;        // deviations; a spike widens the noise no further
  constexpr double kLargest = 1e30;  // so that squares stay finite, and floats do
  value = std::clamp(value, -kLargest, kLargest);
  const auto leaving = static_cast<double>(window_[count_ % kWindow]);
  window_[count_ % kWindow] = static_cast<float>(value);
  if (count_ >= kWindow) {
    const double known = static_cast<double>(count_ - kWindow) + 1;
    double distance = leaving - before_;
    if (count_ > kWarm) {
      const double most = kClip * std::max(std::sqrt(variance_), static_cast<double>(resolution_));
      distance = std::clamp(distance, -most, most);
    }
    variance_ += std::max(kNoiseRate, 1 / known) * (distance * distance - variance_);
    before_ += std::max(kLevelRate, 1 / known) * (leaving - before_);
  }
  if (count_ < UINT32_MAX) ++count_;
  if (count_ < kWarm) return 0;
  double sum = 0;
  for (const float reading : window_)
    sum += static_cast<double>(reading);
  const double noise = std::max(std::sqrt(variance_), static_cast<double>(resolution_)) + 1e-12;
  const double size = std::abs(sum / static_cast<double>(kWindow) - before_) / noise;
  const double surprise = tail_.surprise(size);
  tail_.add(size);
  return surprise;
}

}  // namespace ota::anomaly
