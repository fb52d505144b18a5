// How the chance of a false halt is shared out, so that it is at most alpha for a whole rollout.
//
// alpha = metrics 0.6 + outcomes 0.2 + failures 0.2. Phase p has 2^-(p+1) of a part, each of its
// looks an equal one, each metric or outcome an equal one of that; with several models half is for
// the pooled chance, half for the models with two updated devices or more. No share depends on a
// chance that was found, so the parts may be added up (Bonferroni).
//
// Pure; any thread.
#pragma once

#include <cstdint>

#include "rollout/settings.h"

namespace ota::rollout {

inline constexpr double kMetricsPart = 0.6;
inline constexpr double kOutcomesPart = 0.2;
inline constexpr double kFailuresPart = 0.2;
inline constexpr std::uint32_t kOutcomeCount = 4;
// A model has a share of its own from so many updated devices on.
inline constexpr std::uint64_t kOwnShareFrom = 2;

// Of one metric at one look of phase `phase` (0 is the canary): what the pooled chance has, and
// what each of `own` models has that are judged by themselves.
struct MetricShares {
  double pooled = 0;
  double each_model = 0;
};
// `models`: that are judged by the metric in this look; with one of them it has all, pooled.
MetricShares metric_shares(const JudgeSettings& settings, std::uint32_t phase, std::uint64_t models,
                           std::uint64_t own);

// Of one outcome at one look.
double outcome_share(const JudgeSettings& settings, std::uint32_t phase);

// The evidence of failures from which a rollout halts: 500 at an alpha of 1 %.
double evidence_that_halts(const JudgeSettings& settings);

// The chance over the whole rollout, cut at 1: a rollout halts where it is at most alpha.
double adjusted(double p, double share, const JudgeSettings& settings);

}  // namespace ota::rollout
