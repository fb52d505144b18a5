// The rank-sum test: are the updated devices an ordinary draw from their model?
//
// While the update changes nothing, each rank of an updated device among the controls is equally
// likely, whatever the noise. U counts the pairs (updated, control) in which the updated one is
// worse; its distribution without an effect is exact and has no parameter but the two sizes.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <span>

namespace ota::rollout {

// Up to so many pairs the distribution is exact, beyond it is normal (conservative there).
inline constexpr std::uint64_t kExactPairs = 20'000;

// P(U >= u) for `updated` and `controls` devices, both at least 1, where no two are alike.
// Mann, Whitney 1947. At worst some ten milliseconds, at kExactPairs.
double ranksum_sf(std::uint64_t updated, std::uint64_t controls, std::uint64_t u);

// How many of the controls' changes lie below `change` - `margin`. A tie is none: it counts for the
// update, which is never against the test's validity. `sorted_controls` ascends.
std::uint64_t controls_below(double change, double margin, std::span<const double> sorted_controls);

}  // namespace ota::rollout
