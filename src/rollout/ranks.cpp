#include "rollout/ranks.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/assert.h"
#include "rollout/combine.h"

namespace ota::rollout {
namespace {

// P(U <= most): the first most + 1 coefficients of the Gaussian binomial, which counts the orders
// of the devices by their U, over all orders. Each step of the product is a Gaussian binomial by
// itself, so no coefficient is negative; doubles hold those of kExactPairs to 1e-13, and the
// largest of them is 1e83.
double lower_tail(std::uint64_t few, std::uint64_t many, std::uint64_t most) {
  std::vector<double> ways(most + 1, 0.0);
  ways[0] = 1;
  double orders = 1;
  for (std::uint64_t i = 1; i <= few; ++i) {
    const std::uint64_t up = many + i;
    for (std::uint64_t k = most; k >= up; --k)  // times (1 - q^up)
      ways[k] -= ways[k - up];
    for (std::uint64_t k = i; k <= most; ++k)  // over (1 - q^i)
      ways[k] += ways[k - i];
    orders *= static_cast<double>(up) / static_cast<double>(i);
  }
  double sum = 0;
  for (const double count : ways)
    sum += count;
  return std::min(1.0, sum / orders);
}

double normal_tail(std::uint64_t updated, std::uint64_t controls, std::uint64_t u) {
  const auto n = static_cast<double>(updated);
  const auto m = static_cast<double>(controls);
  const double deviation = std::sqrt(n * m * (n + m + 1) / 12);
  return normal_sf((static_cast<double>(u) - 0.5 - n * m / 2) / deviation);
}

}  // namespace

double ranksum_sf(std::uint64_t updated, std::uint64_t controls, std::uint64_t u) {
  OTA_ASSERT(updated > 0 && controls > 0);
  const std::uint64_t pairs = updated * controls;
  if (u == 0) return 1;
  if (u > pairs) return 0;
  if (pairs > kExactPairs) return normal_tail(updated, controls, u);
  const std::uint64_t few = std::min(updated, controls);
  const std::uint64_t many = std::max(updated, controls);
  // The distribution is symmetric, so the upper tail is the lower one of what is left.
  const std::uint64_t left = pairs - u;
  if (left < u) return lower_tail(few, many, left);
  return std::max(0.0, 1 - lower_tail(few, many, u - 1));
}

std::uint64_t controls_below(double change, double margin,
                             std::span<const double> sorted_controls) {
  const auto first_not =
      std::lower_bound(sorted_controls.begin(), sorted_controls.end(), change - margin);
  return static_cast<std::uint64_t>(first_not - sorted_controls.begin());
}

}  // namespace ota::rollout
