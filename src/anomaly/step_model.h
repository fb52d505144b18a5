// Whether a metric has just stepped to another level: the mean of the last eight readings against
// those before them, in sigmas of the noise of the last hour of readings.
//
// It sees steps that are small beside a day's swing, which MetricModel takes for the time of day,
// and is blind to all that is slow. About 200 bytes, no allocation. Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>

#include "anomaly/tail.h"

namespace ota::anomaly {

class StepModel {
 public:
  explicit StepModel(double resolution = 0) : resolution_(static_cast<float>(resolution)) {}
  // -log10 of the tail probability of a step like the one that `value` ends.
  double observe(double value);

 private:
  static constexpr std::size_t kWindow = 8;

  float resolution_;
  std::uint32_t count_ = 0;
  double before_ = 0;    // mean of what came before the window
  double variance_ = 0;  // about it
  std::array<float, kWindow> window_{};
  TailEstimate tail_{TailShape::kExponential};
};

}  // namespace ota::anomaly
