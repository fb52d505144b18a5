// Healthy machines with days, weeks, backups and log rotation, and the faults that public data sets
// lack, all from a seed.
//
// The same background, seed, fault and effect give the same samples on every host. Sizes of faults
// are told in sigmas of the healthy metric: its noise and its daily cycle together. Pure. Thread:
// one per object.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "model/enum_text.h"
#include "model/telemetry.h"

namespace ota::sim {

enum class Background : std::uint8_t { kIdle, kDaily, kWeekly, kBackups, kNoisy };
inline constexpr model::EnumTable<Background, 5> kBackgroundWords{
    {{Background::kIdle, "idle"},
     {Background::kDaily, "daily cycle"},
     {Background::kWeekly, "weekly cycle"},
     {Background::kBackups, "nightly backup"},
     {Background::kNoisy, "bursts"}}};

// kMemoryLeak, kDiskFilling, kThermalRamp climb by the effect each sixty samples. kCryptoMiner and
// kChangeAfterUpdate are steps of the effect. kForkBomb doubles. kStuckSensor: the CPU reading
// stands still. kRebootLoop: a new start each three samples. kDropout: no temperature any more.
enum class Fault : std::uint8_t {
  kNone,
  kMemoryLeak,
  kDiskFilling,
  kStuckSensor,
  kThermalRamp,
  kCryptoMiner,
  kForkBomb,
  kRebootLoop,
  kChangeAfterUpdate,
  kDropout
};
inline constexpr model::EnumTable<Fault, 10> kFaultWords{
    {{Fault::kNone, "none"},
     {Fault::kMemoryLeak, "memory leak"},
     {Fault::kDiskFilling, "disk filling"},
     {Fault::kStuckSensor, "stuck sensor"},
     {Fault::kThermalRamp, "thermal ramp"},
     {Fault::kCryptoMiner, "crypto-miner"},
     {Fault::kForkBomb, "fork bomb"},
     {Fault::kRebootLoop, "reboot loop"},
     {Fault::kChangeAfterUpdate, "change after update"},
     {Fault::kDropout, "sensor dropout"}}};

class Machine {
 public:
  Machine(Background background, std::uint64_t seed, milliseconds interval, WallTime start);

  // From the next sample on.
  void begin(Fault fault, double sigmas);
  // The next sample; its time is one interval after that of the one before.
  model::Sample next();

 private:
  double uniform();  // [0, 1)
  double normal();
  double cpu_background(double day);
  void apply_fault(model::Sample& sample);

  Background background_;
  std::uint64_t random_;
  milliseconds interval_;
  WallTime at_;
  std::uint64_t seq_ = 0;
  std::uint64_t boots_ = 1;
  double load_noise_ = 0;
  double burst_ = 0;
  double memory_ = 40;
  double temperature_ = 45;
  double phase_;
  Fault fault_ = Fault::kNone;
  double sigmas_ = 0;
  std::uint64_t fault_samples_ = 0;
  std::optional<double> stuck_at_;
};

}  // namespace ota::sim
