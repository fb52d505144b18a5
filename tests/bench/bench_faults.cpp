// Seeded faults over healthy backgrounds through the whole device detector: what is found and how
// soon, and how often a healthy device is called critical.

#include "tests/bench/bench_faults.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "anomaly/detector.h"
#include "model/verdict.h"
#include "sim/faults.h"
#include "tests/bench/fleet_verdicts.h"

namespace ota::bench {
namespace {

using anomaly::DeviceDetector;
using model::Level;
using sim::Background;
using sim::Fault;
using sim::Machine;

constexpr milliseconds kInterval = std::chrono::minutes(1);
constexpr std::uint64_t kSeeds = 200;
const WallTime kStart{std::chrono::hours(24 * 365 * 55)};

// One sample a minute: silence is longer than the shipped fifteen seconds.
model::Thresholds thresholds() {
  model::Thresholds chosen;
  chosen.stale_after = 3 * kInterval;
  return chosen;
}

struct Delays {
  std::vector<double> alarm;    // samples to the first score at or above the threshold
  std::vector<double> verdict;  // samples to a verdict other than stable
};

// A day of health, then the fault for at most `horizon` samples.
void run_fault(Fault fault, double sigmas, std::uint64_t seed, int horizon, Delays& delays) {
  constexpr int kHealthy = 24 * 60;
  Machine machine(Background::kDaily, seed, kInterval, kStart + std::chrono::hours(seed % 24));
  DeviceDetector detector(thresholds());
  const double alarm = thresholds().anomaly_score_threshold;
  for (int i = 0; i < kHealthy; ++i) {
    const model::Sample sample = machine.next();
    detector.observe(sample, sample.at);
  }
  machine.begin(fault, sigmas);
  bool alarmed = false;
  for (int i = 1; i <= horizon; ++i) {
    const model::Sample sample = machine.next();
    detector.observe(sample, sample.at);
    if (!alarmed && detector.score() >= alarm) {
      delays.alarm.push_back(i);
      alarmed = true;
    }
    // A restart is unknown for a few samples; that finds nothing but a loop of restarts.
    const Level level = detector.level(sample.at);
    if (level == Level::kStable) continue;
    if (level == Level::kUnknown && fault != Fault::kRebootLoop) continue;
    delays.verdict.push_back(i);
    if (!alarmed) delays.alarm.push_back(i);  // whoever looks sees the verdict first
    return;
  }
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void print_faults() {
  struct Case {
    Fault fault;
    int horizon;  // samples: ramps need time to be anything at all
    bool sized;
  };
  constexpr std::array kCases{
      Case{Fault::kCryptoMiner, 60, true},  Case{Fault::kChangeAfterUpdate, 60, true},
      Case{Fault::kMemoryLeak, 600, true},  Case{Fault::kDiskFilling, 600, true},
      Case{Fault::kThermalRamp, 600, true}, Case{Fault::kForkBomb, 60, false},
      Case{Fault::kStuckSensor, 60, false}, Case{Fault::kRebootLoop, 60, false},
      Case{Fault::kDropout, 60, false}};
  std::printf("\nfaults over a daily cycle, one sample a minute, %llu seeds; delays in samples\n",
              static_cast<unsigned long long>(kSeeds));
  std::printf("%-20s %6s | %8s %7s %7s | %8s %7s %7s\n", "fault", "sigmas", "noticed", "median",
              "95 %", "verdict", "median", "95 %");
  for (const Case& each : kCases) {
    for (const double sigmas : {2.0, 3.0, 5.0, 10.0}) {
      if (!each.sized && sigmas != 3.0) continue;
      Delays delays;
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        run_fault(each.fault, sigmas, seed, each.horizon, delays);
      }
      const auto share = [](const std::vector<double>& found) {
        return 100.0 * static_cast<double>(found.size()) / static_cast<double>(kSeeds);
      };
      std::printf("%-20s %6s | %6.1f %% %7.0f %7.0f | %6.1f %% %7.0f %7.0f\n",
                  std::string(model::enum_text(sim::kFaultWords, each.fault)).c_str(),
                  each.sized ? std::to_string(static_cast<int>(sigmas)).c_str() : "-",
                  share(delays.alarm), quantile(delays.alarm, 0.5), quantile(delays.alarm, 0.95),
                  share(delays.verdict), quantile(delays.verdict, 0.5),
                  quantile(delays.verdict, 0.95));
    }
  }
}

// Poisson, 95 %: by Wilson and Hilferty's cube root.
double upper_bound(double events) {
  const double shifted = events + 1;
  const double root = 1 - 1 / (9 * shifted) + 1.96 / (3 * std::sqrt(shifted));
  return shifted * root * root * root;
}
double lower_bound(double events) {
  if (events == 0) return 0;
  const double root = 1 - 1 / (9 * events) - 1.96 / (3 * std::sqrt(events));
  return events * root * root * root;
}

void print_backgrounds() {
  constexpr int kMonths = 40;
  constexpr int kSamples = 30 * 24 * 60;
  std::printf("\nhealthy devices, %d months each, one sample a minute\n", kMonths);
  std::printf("%-16s | %20s %17s | %14s %14s\n", "background", "critical per month",
              "95 % interval", "not stable", "alarms a day");
  std::uint64_t readings = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (const auto& [background, name] : sim::kBackgroundWords) {
    double critical = 0;
    double unstable = 0;
    double alarms = 0;
    for (std::uint64_t seed = 1; seed <= kMonths; ++seed) {
      Machine machine(background, 1000 + seed, kInterval, kStart);
      DeviceDetector detector(thresholds());
      Level last = Level::kUnknown;
      for (int i = 0; i < kSamples; ++i) {
        const model::Sample sample = machine.next();
        detector.observe(sample, sample.at);
        const Level level = detector.level(sample.at);
        if (level == Level::kCritical && last != Level::kCritical) critical += 1;
        if (level != Level::kStable) unstable += 1;
        if (detector.score() >= thresholds().anomaly_score_threshold) alarms += 1;
        last = level;
      }
      readings += kSamples;
    }
    std::printf("%-16s | %20.3f [%6.3f, %6.3f] | %12.2f %% %14.2f\n", std::string(name).c_str(),
                critical / kMonths, lower_bound(critical) / kMonths,
                upper_bound(critical) / kMonths, 100 * unstable / (kMonths * double{kSamples}),
                alarms / (kMonths * 30));
  }
  const auto took = std::chrono::steady_clock::now() - begun;
  std::printf("whole detector with its simulation: %.0f ns a reading of a metric\n",
              std::chrono::duration<double, std::nano>(took).count() /
                  static_cast<double>(readings * model::kMetricCount));
}

}  // namespace

void print_fault_tables() {
  print_fleet_verdicts();
  print_faults();
  print_backgrounds();
}

}  // namespace ota::bench
