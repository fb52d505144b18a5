#include "rollout/shares.h"

#include <algorithm>
#include <cmath>

namespace ota::rollout {
namespace {

double of_look(const JudgeSettings& settings, std::uint32_t phase) {
  return settings.alpha * std::ldexp(1.0, -static_cast<int>(phase) - 1) / settings.looks;
}

}  // namespace

MetricShares metric_shares(const JudgeSettings& settings, std::uint32_t phase, std::uint64_t models,
                           std::uint64_t own) {
  if (settings.metrics.empty()) return {};
  const double all =
      of_look(settings, phase) * kMetricsPart / static_cast<double>(settings.metrics.size());
  if (models < 2) return {all, 0};
  return {all / 2, own == 0 ? 0 : all / 2 / static_cast<double>(own)};
}

double outcome_share(const JudgeSettings& settings, std::uint32_t phase) {
  return of_look(settings, phase) * kOutcomesPart / kOutcomeCount;
}

double evidence_that_halts(const JudgeSettings& settings) {
  return 1 / (kFailuresPart * settings.alpha);
}

double adjusted(double p, double share, const JudgeSettings& settings) {
  return share > 0 ? std::min(1.0, p * settings.alpha / share) : 1;
}

}  // namespace ota::rollout
