// Many metrics at once, generated: the false alarms of a healthy machine must not grow with the
// number of its metrics, and a fault of one, or a little of many, must still be found.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "anomaly/engine.h"
#include "model/settings.h"
#include "tests/bench/bench_faults.h"

namespace ota::bench {
namespace {

constexpr int kKinds = 6;
constexpr int kRows = 8640;  // thirty days, a row each five minutes
constexpr int kLearning = 750;
constexpr int kFaultRows = 60;

// One metric: noise, a daily cycle, bursts, bytes over orders of magnitude, sparse counts, or a
// share in what drives several.
class Series {
 public:
  Series(int kind, std::uint64_t seed) : kind_(kind % kKinds), random_(seed), phase_(uniform()) {}

  double spread() const {
    constexpr double kSpreads[kKinds]{2, 7, 8, 6e5, 2, 5};
    return kSpreads[kind_];
  }

  double next(double day, double common) {
    constexpr double kTurn = 6.283185;
    noise_ = 0.7 * noise_ + 0.71 * normal();
    switch (kind_) {
      case 0:
        return 20 + 2 * normal();
      case 1:
        return 40 + 10 * std::sin(kTurn * (day + phase_)) + 1.5 * noise_;
      case 2:
        burst_ = uniform() < 0.01 ? 50 * uniform() : 0.8 * burst_;
        return 5 + burst_ + std::abs(normal());
      case 3:
        return 1e6 * std::exp(0.5 * noise_ + 0.3 * std::sin(kTurn * (day + phase_)));
      case 4:
        return uniform() < 0.9 ? 0 : std::floor(10 * uniform());
      default:
        return 30 + 5 * common + noise_;
    }
  }

 private:
  double normal() { return std::normal_distribution<>()(random_); }
  double uniform() { return std::uniform_real_distribution<>(0, 1)(random_); }

  int kind_;
  std::mt19937_64 random_;
  double phase_;
  double noise_ = 0;
  double burst_ = 0;
};

// What happens in the last hours: by how many sigmas each metric is shifted.
using Shift = double (*)(std::size_t metric);

struct Outcome {
  double alarms = 0;  // while healthy
  bool found = false;
  double delay = 0;
};

Outcome run(std::size_t metrics, std::uint64_t seed, Shift shift) {
  const double threshold = model::Thresholds{}.anomaly_score_threshold;
  std::vector<Series> series;
  for (std::size_t i = 0; i < metrics; ++i)
    series.emplace_back(static_cast<int>(i + seed), seed * 1000 + i);
  std::vector<double> values(metrics);
  anomaly::Engine engine;
  std::mt19937_64 random(seed);
  double common = 0;
  Outcome outcome;
  for (int row = 0; row < kRows; ++row) {
    common = 0.98 * common + 0.2 * std::normal_distribution<>()(random);
    const bool faulty = row >= kRows - kFaultRows;
    for (std::size_t i = 0; i < metrics; ++i) {
      values[i] =
          series[i].next(row / 288.0, common) + (faulty ? shift(i) * series[i].spread() : 0);
    }
    const auto judged =
        engine.observe(WallTime(seconds(1'400'000'000 + 300LL * row)), values, threshold);
    const bool alarm = judged.alarm != anomaly::Alarm::kNone;
    if (row >= kLearning && !faulty && alarm) outcome.alarms += 1;
    if (faulty && !outcome.found && judged.rarity >= engine.incidents().bar()) {
      outcome.found = true;
      outcome.delay = row - (kRows - kFaultRows) + 1;
    }
  }
  return outcome;
}

}  // namespace

void print_joint_table() {
  constexpr std::uint64_t kSeeds = 20;
  constexpr double kHealthyRows = kRows - kLearning - kFaultRows;
  std::printf("\nmany metrics at once (generated, five minutes a row, %llu seeds)\n",
              static_cast<unsigned long long>(kSeeds));
  std::printf("%8s | %16s | %22s %12s | %22s %12s\n", "metrics", "alarms a month",
              "one shifts 4 sigmas", "median delay", "half shift 1.5 sigmas", "median delay");
  const Shift one = [](std::size_t metric) { return metric == 0 ? 4.0 : 0.0; };
  const Shift half = [](std::size_t metric) { return metric % 2 == 0 ? 1.5 : 0.0; };
  for (const std::size_t metrics : {1U, 4U, 16U, 38U}) {
    double alarms = 0;
    double found[2] = {};
    std::vector<double> delays[2];
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const Shift shifts[2] = {one, half};
      for (int which = 0; which < 2; ++which) {
        const Outcome outcome = run(metrics, seed, shifts[which]);
        if (which == 0) alarms += outcome.alarms;
        found[which] += outcome.found ? 1 : 0;
        if (outcome.found) delays[which].push_back(outcome.delay);
      }
    }
    const auto median = [](std::vector<double>& all) {
      if (all.empty()) return 0.0;
      std::sort(all.begin(), all.end());
      return all[all.size() / 2];
    };
    std::printf("%8zu | %16.2f | %20.0f %% %12.0f | %20.0f %% %12.0f\n", metrics,
                alarms / kSeeds * kRows / kHealthyRows, 100 * found[0] / kSeeds, median(delays[0]),
                100 * found[1] / kSeeds, median(delays[1]));
  }
}

}  // namespace ota::bench
