#include "rollout/shares.h"

#include "rollout/ranks.h"
#include "tests/support/catch.h"

using namespace ota::rollout;

TEST_CASE("all shares of all phases, looks, metrics and models together are at most alpha",
          "[rollout]") {
  JudgeSettings settings;
  for (const double alpha : {0.001, 0.01, 0.2}) {
    settings.alpha = alpha;
    for (const std::uint64_t models : {1U, 2U, 4U}) {
      double sum = 1 / evidence_that_halts(settings);
      for (std::uint32_t phase = 0; phase < 60; ++phase) {
        for (std::uint32_t look = 0; look < settings.looks; ++look) {
          const MetricShares shares = metric_shares(settings, phase, models, models);
          const double of_metric = shares.pooled + static_cast<double>(models) * shares.each_model;
          sum += of_metric * static_cast<double>(settings.metrics.size());
          sum += outcome_share(settings, phase) * kOutcomeCount;
        }
      }
      CHECK(sum == Approx(alpha).epsilon(1e-9));
    }
  }
}

TEST_CASE("the smallest fleets that can be judged are those of the reference", "[rollout]") {
  const JudgeSettings settings;
  const auto halts = [&](std::uint64_t updated, std::uint64_t controls, double share) {
    const double p = ranksum_sf(updated, controls, updated * controls);
    return adjusted(p, share, settings) <= settings.alpha;
  };
  const double one = metric_shares(settings, 0, 1, 1).pooled;
  CHECK(one == Approx(1.0714e-4).epsilon(1e-4));
  CHECK((halts(5, 14, one) && !halts(5, 13, one)));
  CHECK((halts(4, 20, one) && !halts(4, 19, one)));
  CHECK((halts(3, 37, one) && !halts(3, 36, one)));
  const double of_four = metric_shares(settings, 0, 4, 4).each_model;
  CHECK((halts(4, 35, of_four) && !halts(4, 34, of_four)));
  const double of_two = metric_shares(settings, 0, 2, 2).each_model;
  CHECK((halts(4, 29, of_two) && !halts(4, 28, of_two)));
}

TEST_CASE("an adjusted chance is cut at one, and a later phase has half the share", "[rollout]") {
  const JudgeSettings settings;
  CHECK(adjusted(0.5, 1e-4, settings) == 1);
  CHECK(adjusted(1e-6, 1e-4, settings) == Approx(1e-4));
  CHECK(outcome_share(settings, 1) == Approx(outcome_share(settings, 0) / 2));
  CHECK(metric_shares(settings, 0, 3, 0).each_model == 0);
  CHECK(evidence_that_halts(settings) == Approx(500));
}
