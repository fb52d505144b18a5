#include "sim/faults.h"

#include <algorithm>
#include <cmath>

namespace ota::sim {
namespace {

using model::Metric;

constexpr double kPi = 3.14159265358979;

// In the order of model::Metric: the noise within an hour, and the spread of a healthy week with
// its daily cycle, which is the sigma that faults are told in.
constexpr std::array<double, model::kMetricCount> kNoise{2.5, 0.6, 0.15, 0.7};
constexpr std::array<double, model::kMetricCount> kSpread{5.5, 1.2, 0.9, 1.5};

double noise(Metric metric) {
  return kNoise[static_cast<std::size_t>(metric)];
}

double tenth(double value, double least, double most) {
  return std::round(std::clamp(value, least, most) * 10) / 10;
}

}  // namespace

Machine::Machine(Background background, std::uint64_t seed, milliseconds interval, WallTime start)
    : background_(background),
      random_(seed * 0x9E3779B97F4A7C15ULL + 1),
      interval_(interval),
      at_(start),
      phase_(uniform()) {}

double Machine::uniform() {
  // splitmix64 (Steele, Lea, Flood 2014)
  std::uint64_t word = (random_ += 0x9E3779B97F4A7C15ULL);
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
  word ^= word >> 31;
  return static_cast<double>(word >> 11) / 9007199254740992.0;  // 2^53
}

double Machine::normal() {
  return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * kPi * uniform());
}

void Machine::begin(Fault fault, double sigmas) {
  fault_ = fault;
  sigmas_ = sigmas;
  fault_samples_ = 0;
  stuck_at_.reset();
  if (fault == Fault::kChangeAfterUpdate) ++boots_;
}

double Machine::cpu_background(double day) {
  constexpr double kQuiet = 14;
  const double hour = (day - std::floor(day)) * 24;
  const double swing = 0.5 - 0.5 * std::cos(2 * kPi * (hour / 24 + phase_));
  const bool weekend = static_cast<std::int64_t>(std::floor(day)) % 7 >= 5;
  switch (background_) {
    case Background::kIdle:
      return kQuiet;
    case Background::kDaily:
      return kQuiet + 14 * swing;
    case Background::kWeekly:
      return kQuiet + (weekend ? 3 : 14) * swing;
    case Background::kBackups: {
      // Half an hour from two o'clock on, some days later than on others.
      const double begin = 2 + 0.1 * std::fmod(std::floor(day) * 0.618, 1.0);
      return kQuiet + 10 * swing + (hour >= begin && hour < begin + 0.5 ? 35 : 0);
    }
    case Background::kNoisy:
      // A burst begins once in four hours and fades within minutes.
      if (uniform() < std::chrono::duration<double>(interval_).count() / 14400) {
        burst_ = 20 + 25 * uniform();
      }
      burst_ *= std::exp(-std::chrono::duration<double>(interval_).count() / 180);
      return kQuiet + 8 * swing + burst_;
  }
  return kQuiet;
}

model::Sample Machine::next() {
  constexpr double kPersistence = 0.6;  // of noise from one sample to the next
  const double fresh = std::sqrt(1 - kPersistence * kPersistence);
  at_ += interval_;
  const double day = std::chrono::duration<double>(at_.time_since_epoch()).count() / 86400;
  load_noise_ = kPersistence * load_noise_ + fresh * normal();
  const double cpu = cpu_background(day) + noise(Metric::kCpu) * load_noise_;
  memory_ += 0.02 * (40 + 0.2 * (cpu - 14) - memory_);
  temperature_ += 0.2 * (42 + 0.22 * cpu - temperature_);
  // Logs grow all week and are rotated away.
  const double disk = 45 + 3 * (day / 7 - std::floor(day / 7));

  model::Sample sample;
  sample.seq = ++seq_;
  sample.boot = {boots_, 7};
  sample.at = at_;
  sample.values = {cpu, memory_ + noise(Metric::kMem) * normal(),
                   disk + noise(Metric::kDisk) * normal(),
                   temperature_ + noise(Metric::kTemp) * normal()};
  if (fault_ != Fault::kNone) apply_fault(sample);
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    if (!sample.values[i]) continue;
    const bool heat = static_cast<Metric>(i) == Metric::kTemp;
    sample.values[i] = tenth(*sample.values[i], heat ? -60 : 0, heat ? 150 : 100);
  }
  return sample;
}

void Machine::apply_fault(model::Sample& sample) {
  constexpr double kRampSamples = 60;
  const auto since = static_cast<double>(++fault_samples_);
  const double climbed = sigmas_ * since / kRampSamples;
  const auto add = [&sample](Metric metric, double sigmas) {
    *sample.value(metric) += sigmas * kSpread[static_cast<std::size_t>(metric)];
  };
  switch (fault_) {
    case Fault::kNone:
      return;
    case Fault::kMemoryLeak:
      return add(Metric::kMem, climbed);
    case Fault::kDiskFilling:
      return add(Metric::kDisk, climbed);
    case Fault::kThermalRamp:
      return add(Metric::kTemp, climbed);
    case Fault::kStuckSensor:
      if (!stuck_at_) stuck_at_ = sample.value(Metric::kCpu);
      sample.value(Metric::kCpu) = stuck_at_;
      return;
    case Fault::kCryptoMiner:
      add(Metric::kCpu, sigmas_);
      return add(Metric::kTemp, sigmas_ * (1 - std::exp(-since / 5)));
    case Fault::kForkBomb:
      add(Metric::kCpu, std::min(20.0, std::exp2(since / 3)));
      return add(Metric::kMem, std::min(50.0, std::exp2(since / 4)));
    case Fault::kRebootLoop:
      if (fault_samples_ % 3 == 1) ++boots_;
      sample.boot.high = boots_;
      return;
    case Fault::kChangeAfterUpdate:
      add(Metric::kCpu, sigmas_);
      return add(Metric::kMem, sigmas_);
    case Fault::kDropout:
      sample.value(Metric::kTemp).reset();
      return;
  }
}

}  // namespace ota::sim
