// One chance out of several models' chances, and the normal distribution that it takes.
//
// Models are independent draws, so their z add up; each weighs as the root of its updated devices.
// A fault that all models share is found by it long before one model could show it alone.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <span>

namespace ota::rollout {

// P(Z >= z) of the standard normal distribution.
double normal_sf(double z);
// The z whose normal_sf is `p`, for 0 < p < 1; relative error about 1e-12.
double normal_isf(double p);

struct ModelChance {
  std::uint64_t updated = 0;  // devices; at least 1
  double p = 1;
};

// A chance of 1 counts as this one less, since its z would be minus infinity and outvote everybody.
inline constexpr double kChanceCap = 1e-6;

// Stouffer 1949; 1 where there is no model.
double stouffer(std::span<const ModelChance> models);

}  // namespace ota::rollout
