#include "rollout/outcomes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/assert.h"

namespace ota::rollout {
namespace {

double log_factorial(std::uint64_t n) {
  int sign = 0;  // std::lgamma leaves it in a global
  return ::lgamma_r(static_cast<double>(n) + 1, &sign);
}

double log_choose(std::uint64_t n, std::uint64_t k) {
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

}  // namespace

double hyper_sf(std::uint64_t k, std::uint64_t drawn, std::uint64_t bad, std::uint64_t total) {
  OTA_ASSERT(drawn <= total && bad <= total);
  const std::uint64_t good = total - bad;
  const std::uint64_t least = drawn > good ? drawn - good : 0;
  const std::uint64_t most = std::min(drawn, bad);
  if (k <= least) return 1;
  if (k > most) return 0;
  double term =
      std::exp(log_choose(bad, k) + log_choose(good, drawn - k) - log_choose(total, drawn));
  double sum = 0;
  for (std::uint64_t x = k; x <= most; ++x) {
    sum += term;
    term *= static_cast<double>(bad - x) * static_cast<double>(drawn - x) /
            (static_cast<double>(x + 1) * static_cast<double>(good - drawn + x + 1));
  }
  return std::min(1.0, sum);
}

// The integral is P(Bin(n+1, p0) <= k) / ((n+1) C(n,k) p0^k (1-p0)^(n-k+1)). Its term of j = k is
// 1/(n+1-k), and each one below it the one above times j/(n+2-j) (1-p0)/p0: nothing overflows that
// is not large by itself.
double failure_evidence(std::uint64_t failed, std::uint64_t ended, double acceptable) {
  OTA_ASSERT(failed <= ended && acceptable > 0 && acceptable < 1);
  const double odds = (1 - acceptable) / acceptable;
  double term = 1 / static_cast<double>(ended + 1 - failed);
  double sum = term;
  for (std::uint64_t j = failed; j > 0; --j) {
    term *= static_cast<double>(j) / static_cast<double>(ended + 2 - j) * odds;
    sum += term;
  }
  return std::min(sum, std::numeric_limits<double>::max());
}

std::uint64_t failures_that_halt(std::uint64_t ended, double acceptable, double least) {
  std::uint64_t failed = 0;
  while (failed <= ended && failure_evidence(failed, ended, acceptable) < least)
    ++failed;
  return failed;
}

}  // namespace ota::rollout
