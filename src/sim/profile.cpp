#include "sim/profile.h"

#include <algorithm>
#include <cmath>

namespace ota::sim {
namespace {

using model::Metric;

// Where a metric stands and how far it swings.
struct Level {
  double mean;
  double swing;
};
using Levels = std::array<Level, model::kMetricCount>;  // in the order of model::Metric

constexpr Levels kStableLevels{{{12, 4}, {35, 1.2}, {40, 0.1}, {44, 0.8}}};
constexpr Levels kStressedLevels{{{95.5, 3}, {92.5, 4}, {40, 0.1}, {70, 1.5}}};

// `from` at 0, `to` at `duration` and after it.
double ramp(double elapsed, double duration, double from, double to) {
  return from + (to - from) * std::clamp(elapsed / duration, 0.0, 1.0);
}

Levels levels(Profile profile, double elapsed) {
  constexpr double kHeatSeconds = 120;
  constexpr double kLeakSeconds = 600;
  constexpr double kMinerQuietSeconds = 30;
  constexpr double kFlapSeconds = 15;
  Levels now = kStableLevels;
  switch (profile) {
    case Profile::kStable:
      break;
    case Profile::kStressed:
      now = kStressedLevels;
      break;
    case Profile::kOverheating:
      now[0] = {28, 5};
      now[3] = {ramp(elapsed, kHeatSeconds, 55, 96), 1};
      break;
    case Profile::kLeak:
      now[1] = {ramp(elapsed, kLeakSeconds, 35, 98), 0.4};
      break;
    case Profile::kMiner:
      // A miner's mark is not the height of the load alone but that it never moves.
      if (elapsed >= kMinerQuietSeconds) now = {{{98, 0.3}, {38, 0.4}, {40, 0.1}, {78, 0.5}}};
      break;
    case Profile::kFlapping:
      if (std::fmod(elapsed, 2 * kFlapSeconds) >= kFlapSeconds) now = kStressedLevels;
      break;
  }
  return now;
}

}  // namespace

SimulatedSensors::SimulatedSensors(Profile profile, std::uint64_t seed)
    : profile_(profile), state_(seed) {}

void SimulatedSensors::change(Profile profile, double uptime) {
  if (profile == profile_) return;
  profile_ = profile;
  since_ = uptime;
}

double SimulatedSensors::noise() {
  // splitmix64 (Steele, Lea, Flood 2014); the mean of four uniform numbers is near enough to a
  // bell.
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    std::uint64_t word = (state_ += 0x9E3779B97F4A7C15ULL);
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
    word ^= word >> 31;
    sum += static_cast<double>(word >> 11) / 9007199254740992.0;  // 2^53
  }
  return (sum - 2) / 2;
}

Readings SimulatedSensors::read(double uptime) {
  constexpr double kMemory = 0.7;  // how much of the last swing stays: load is not white noise
  constexpr double kGlide = 0.08;  // share of the way to a new temperature covered by each reading
  const Levels now = levels(profile_, std::max(0.0, uptime - since_));
  Readings readings;
  for (std::size_t i = 0; i < now.size(); ++i) {
    drift_[i] = kMemory * drift_[i] + (1 - kMemory) * 2 * noise();
    double value = now[i].mean + now[i].swing * std::clamp(drift_[i], -1.0, 1.0);
    if (static_cast<Metric>(i) == Metric::kTemp) {
      temperature_ = temperature_ ? *temperature_ + kGlide * (value - *temperature_) : value;
      value = *temperature_;
    }
    readings[i] = std::round(std::clamp(value, 0.0, 100.0) * 10) / 10;
  }
  return readings;
}

}  // namespace ota::sim
