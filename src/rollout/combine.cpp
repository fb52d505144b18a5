#include "rollout/combine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/assert.h"

namespace ota::rollout {

double normal_sf(double z) {
  return 0.5 * std::erfc(z / std::numbers::sqrt2);
}

double normal_isf(double p) {
  OTA_ASSERT(p > 0 && p < 1);
  if (p > 0.5) return -normal_isf(1 - p);
  // Abramowitz, Stegun 26.2.23, to 4.5e-4.
  const double t = std::sqrt(-2 * std::log(p));
  double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                     (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  // Halley's steps cube the error each.
  constexpr int kSteps = 3;
  for (int i = 0; i < kSteps; ++i) {
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    if (density == 0) break;
    const double off = (normal_sf(z) - p) / density;
    z += off / (1 - off * z / 2);
  }
  return z;
}

double stouffer(std::span<const ModelChance> models) {
  if (models.empty()) return 1;
  double sum = 0;
  double weight = 0;
  for (const ModelChance& model : models) {
    const auto n = static_cast<double>(model.updated);
    // A chance below the smallest double came out as 0.
    const double p = std::clamp(model.p, std::numeric_limits<double>::min(), 1 - kChanceCap);
    sum += std::sqrt(n) * normal_isf(p);
    weight += n;
  }
  OTA_ASSERT(weight > 0);
  return normal_sf(sum / std::sqrt(weight));
}

}  // namespace ota::rollout
