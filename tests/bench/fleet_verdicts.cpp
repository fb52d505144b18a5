#include "tests/bench/fleet_verdicts.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "anomaly/detector.h"
#include "model/settings.h"
#include "sim/faults.h"
#include "sim/profile.h"

namespace ota::bench {
namespace {

using anomaly::DeviceDetector;
using model::Level;

constexpr int kHour = 3600;  // samples
constexpr int kDay = 24 * kHour;
const WallTime kStart{std::chrono::hours(24 * 365 * 55)};

// A simulated agent at one sample a second.
class Agent {
 public:
  explicit Agent(std::uint64_t seed)
      : sensors_(sim::Profile::kStable, seed), detector_(model::Thresholds{}) {}
  void become(sim::Profile profile) { sensors_.change(profile, seconds_); }
  Level second() {
    model::Sample sample;
    sample.seq = static_cast<std::uint64_t>(++seconds_);
    sample.boot = {1, 1};
    sample.at = now();
    sample.values = sensors_.read(seconds_);
    detector_.observe(sample, sample.at);
    return detector_.level(sample.at);
  }
  bool alarms() const { return detector_.score() >= model::Thresholds{}.anomaly_score_threshold; }
  std::string label() const { return detector_.verdict(now()).label; }

 private:
  WallTime now() const { return kStart + std::chrono::seconds(seconds_); }

  sim::SimulatedSensors sensors_;
  DeviceDetector detector_;
  int seconds_ = 0;
};

void print_healthy_days() {
  constexpr int kDays = 4;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Agent agent(seed);
    std::array<int, kDays> alarms{};
    int watched = 0;
    for (int second = 0; second < kDays * kDay; ++second) {
      if (agent.second() > Level::kStable && second < kDay) ++watched;
      alarms[static_cast<std::size_t>(second / kDay)] += agent.alarms() ? 1 : 0;
    }
    std::printf(
        "  healthy, seed %d: %d alarms on its first day, then %d, %d, %d; "
        "not stable for %.2f %% of the first\n",
        static_cast<int>(seed), alarms[0], alarms[1], alarms[2], alarms[3], 100.0 * watched / kDay);
  }
}

// "12 (9 to 16)", of `of` runs those that got there.
std::string spread_of(std::vector<int> seconds, std::size_t of) {
  if (seconds.empty()) return "never";
  std::sort(seconds.begin(), seconds.end());
  std::string text = std::to_string(seconds[seconds.size() / 2]) + " s (" +
                     std::to_string(seconds.front()) + " to " + std::to_string(seconds.back()) +
                     ")";
  if (seconds.size() < of)
    text += " in " + std::to_string(seconds.size()) + " of " + std::to_string(of);
  return text;
}

void print_profile(sim::Profile profile, const char* name) {
  constexpr std::size_t kAgents = 9;
  std::vector<int> first;
  std::vector<int> critical;
  std::string label;
  for (std::uint64_t seed = 1; seed <= kAgents; ++seed) {
    Agent agent(seed);
    Level before = Level::kUnknown;
    // What is watched by chance at that moment would count as found.
    for (int second = 0; second < kHour || before != Level::kStable; ++second)
      before = agent.second();
    agent.become(profile);
    bool found = false;
    for (int second = 1; second <= kHour; ++second) {
      const Level level = agent.second();
      if (level > Level::kStable && !found) {
        found = true;
        first.push_back(second);
        if (label.empty()) label = agent.label();
      }
      if (level != Level::kCritical) continue;
      critical.push_back(second);
      break;
    }
  }
  std::printf("  %-12s not stable after %-24s critical after %s; at first \"%s\"\n", name,
              spread_of(first, kAgents).c_str(), spread_of(critical, kAgents).c_str(),
              label.c_str());
}

}  // namespace

double thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void print_fleet_verdicts() {
  std::printf("\nsimulated devices at one sample a second\n");
  print_healthy_days();
  for (const auto& [profile, name] : sim::kProfileWords) {
    if (profile != sim::Profile::kStable) print_profile(profile, std::string(name).c_str());
  }
}

DetectorCost measure_detector(std::size_t devices) {
  constexpr milliseconds kInterval = std::chrono::minutes(5);
  constexpr std::size_t kMonth = 30 * 24 * 12;  // samples
  const auto thresholds = std::make_shared<const model::Thresholds>();
  std::vector<model::Sample> month(kMonth);
  std::vector<DeviceDetector> all;
  all.reserve(devices);
  DetectorCost cost;
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < devices; ++i) {
    const auto background = sim::kBackgroundWords[i % sim::kBackgroundWords.size()].first;
    sim::Machine machine(background, i + 1, kInterval, kStart);
    for (model::Sample& sample : month)
      sample = machine.next();
    DeviceDetector& detector = all.emplace_back(thresholds);
    const double begun = thread_cpu_ns();
    for (const model::Sample& sample : month)
      detector.observe(sample, sample.at);
    cost.reading_ns += thread_cpu_ns() - begun;
  }
  cost.reading_ns /= static_cast<double>(devices * kMonth * model::kMetricCount);
  cost.device_bytes =
      static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(devices);
  return cost;
}

}  // namespace ota::bench
