// Prints what the anomaly engine reaches on the labelled public series: with the shipped threshold,
// with the best single one, in leave-one-group-out, and what a reading costs.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <set>
#include <span>

#include "anomaly/device_state.h"
#include "anomaly/metric_model.h"
#include "anomaly/score.h"
#include "model/settings.h"
#include "tests/bench/bench_faults.h"
#include "tests/bench/benchmark_series.h"

namespace {

using namespace ota;
using bench::Series;

using Scores = std::vector<std::vector<double>>;  // of each series

// Raw scores know nothing of the threshold; the filter does, so both are needed to try thresholds.
std::vector<double> raw_scores(const Series& series) {
  anomaly::MetricModel metric;
  std::vector<double> scores;
  scores.reserve(series.values.size());
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    const auto surprise = metric.observe(series.values[i], series.times[i]);
    scores.push_back(anomaly::score_of(surprise.combined()));
  }
  return scores;
}

std::vector<double> filtered(const std::vector<double>& raw, double threshold) {
  anomaly::AlarmFilter filter;
  std::vector<double> scores;
  scores.reserve(raw.size());
  for (const double score : raw)
    scores.push_back(filter.filter(score, threshold));
  return scores;
}

double total(const std::vector<Series>& all, const Scores& raw, double threshold,
             const bench::Profile& profile, const std::string& without = {}) {
  double sum = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].group == without) continue;
    sum += bench::points(all[i], filtered(raw[i], threshold), threshold, profile);
  }
  return sum;
}

double best_threshold(const std::vector<Series>& all, const Scores& raw,
                      const std::string& without = {}) {
  double best = 0;
  double best_sum = -1e9;
  for (double threshold = 0.30; threshold < 0.75; threshold += 0.005) {
    const double sum = total(all, raw, threshold, bench::kStandard, without);
    if (sum <= best_sum) continue;
    best_sum = sum;
    best = threshold;
  }
  return best;
}

void print_series(const std::vector<Series>& all, const Scores& raw, double threshold) {
  std::printf("\n%-42s %7s %8s %7s\n", "series", "windows", "points", "alarms");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto scores = filtered(raw[i], threshold);
    const auto alarms = std::count_if(scores.begin(), scores.end(),
                                      [&](double score) { return score >= threshold; });
    std::printf("%-42s %7zu %8.2f %7td\n", all[i].name.c_str(), all[i].windows.size(),
                bench::points(all[i], scores, threshold, bench::kStandard), alarms);
  }
}

void print_scores(const std::vector<Series>& all, const Scores& raw) {
  std::size_t windows = 0;
  std::set<std::string> groups;
  for (const Series& series : all) {
    windows += series.windows.size();
    groups.insert(series.group);
  }
  const double shipped = model::Thresholds{}.anomaly_score_threshold;
  const double best = best_threshold(all, raw);
  print_series(all, raw, shipped);
  std::printf("\n%-22s %10s %10s\n", "profile", "shipped", "best");
  for (const auto& profile :
       {bench::kStandard, bench::kLowFalsePositives, bench::kLowFalseNegatives}) {
    std::printf("%-22s %10.1f %10.1f\n", profile.name,
                bench::normalized(total(all, raw, shipped, profile), windows, profile),
                bench::normalized(total(all, raw, best, profile), windows, profile));
  }
  std::printf("%-22s %10.3f %10.3f\n", "threshold", shipped, best);

  double held_out = 0;
  std::printf("\nleave one group out\n");
  for (const std::string& group : groups) {
    const double threshold = best_threshold(all, raw, group);
    double sum = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].group != group) continue;
      sum += bench::points(all[i], filtered(raw[i], threshold), threshold, bench::kStandard);
    }
    held_out += sum;
    std::printf("  %-22s threshold %.3f, points %6.2f\n", group.c_str(), threshold, sum);
  }
  std::printf("  standard profile       %.1f\n",
              bench::normalized(held_out, windows, bench::kStandard));
}

// The yardstick for cost: the windowed Gaussian of the public benchmark (6400 readings).
double gaussian_cost(const std::vector<Series>& all) {
  constexpr std::size_t kWindow = 6400;
  double sink = 0;
  std::size_t rows = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const Series& series : all) {
    std::deque<double> window;
    double sum = 0;
    double squares = 0;
    for (const double value : series.values) {
      const auto count = static_cast<double>(std::max<std::size_t>(window.size(), 1));
      const double mean = sum / count;
      const double deviation = std::sqrt(std::max(1e-12, squares / count - mean * mean));
      sink += std::erfc((value - mean) / deviation / std::sqrt(2.0));
      window.push_back(value);
      sum += value;
      squares += value * value;
      if (window.size() > kWindow) {
        sum -= window.front();
        squares -= window.front() * window.front();
        window.pop_front();
      }
    }
    rows += series.values.size();
  }
  const auto took = std::chrono::steady_clock::now() - start;
  const double each = std::chrono::duration<double, std::nano>(took).count();
  return sink == 0 ? 0 : each / static_cast<double>(rows);
}

}  // namespace

int main() {
  const std::size_t device =
      sizeof(anomaly::DeviceState) + model::kMetricCount * sizeof(anomaly::Channel);
  std::printf("state: %zu bytes a metric of at most 4096, %zu a device with its four\n",
              sizeof(anomaly::Channel), device);
  if (const auto all = bench::load_series()) {
    Scores raw;
    std::size_t rows = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const Series& series : *all) {
      raw.push_back(raw_scores(series));
      rows += series.values.size();
    }
    const auto took = std::chrono::steady_clock::now() - start;
    print_scores(*all, raw);
    std::printf(
        "\na reading: %.0f ns of at most 2000 (windowed Gaussian in the same run: %.0f ns)\n",
        std::chrono::duration<double, std::nano>(took).count() / static_cast<double>(rows),
        gaussian_cost(*all));
  } else {
    std::printf("labelled series: skipped, no data in ../shared/telemetry (or $OTA_TELEMETRY)\n");
  }
  bench::print_joint_table();
  bench::print_fault_tables();
  return 0;
}
