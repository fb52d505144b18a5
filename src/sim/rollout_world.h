// Simulated fleets for rollouts: the minute means of devices that live, two days before a rollout's
// start and 34 hours after it.
//
// What real devices do and a judge must not fall for: an own level and daily course, noise that
// depends on itself over minutes and over hours, heavy tails, bursts, nightly jobs, shocks that a
// site shares, power cuts, gaps, lossy lines, restarts after which memory fills anew, heat waves and
// load changes that each device feels in its own measure. Its numbers were written down before the
// judge was run over it, and are not fitted to what it says.
//
// The same seed lives the same life whatever is done to its devices. Thread: one.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace ota::sim {

inline constexpr std::size_t kWorldMetrics = 4;  // cpu, mem, disk, temp
// Of a device's minutes about its own daily course, times the device's own factor.
inline constexpr std::array<double, kWorldMetrics> kWorldSigma{5, 2, 0.5, 1.5};
inline constexpr int kDayMinutes = 24 * 60;
inline constexpr int kFirstMinute = -2 * kDayMinutes;
inline constexpr int kLastMinute = 34 * 60;

// xoshiro256** (Blackman, Vigna 2018): a world draws some ten million numbers.
class WorldRandom {
 public:
  explicit WorldRandom(std::uint64_t seed);
  std::uint64_t bits();
  double uniform() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double p) { return uniform() < p; }
  double normal();

 private:
  std::array<std::uint64_t, 4> state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

enum class WorldHappens : std::uint8_t { kNever, kSometimes, kAlways };

// After a start memory is lower by so many points, and fills again: e-fold in so many hours.
struct MemoryDip {
  double points = 6;
  double hours = 3;
  double keeps_a_minute() const { return std::exp(-1 / (hours * 60)); }
};

struct RolloutWorldOptions {
  std::uint64_t seed = 1;
  int devices = 200;
  WorldHappens heat = WorldHappens::kSometimes;  // 30 % of the worlds
  WorldHappens load = WorldHappens::kSometimes;  // 20 %
  double lossy = 0.03;                           // of the devices lose a third of their minutes
  MemoryDip dip;
};

struct LivingDevice {
  std::string id;
  std::uint32_t model = 0;  // a, b, c, d: 50, 30, 15, 5 % of the fleet
  std::uint32_t site = 0;
  std::array<double, kWorldMetrics> factor{};  // of kWorldSigma
  // This minute.
  std::array<double, kWorldMetrics> value{};
  std::array<double, kWorldMetrics> above{};  // its usual course, in sigmas of its own
  bool heard = true;                          // it sent this minute
  bool booted = false;                        // it restarted by itself in this minute
  // Memory fills again after a start: points that it is below by now.
  double dip = 0;

  // The rest is the world's own.
  std::array<double, kWorldMetrics> level{};
  std::array<double, kWorldMetrics> amplitude{};
  double course_at = 0;
  std::array<double, kWorldMetrics> quick{};
  std::array<double, kWorldMetrics> slow{};
  double quick_keep = 0;
  double slow_keep = 0;
  int night_from = 0;
  int night_minutes = 0;
  double night_size = 0;
  int burst_left = 0;
  double burst_size = 0;
  int gone_left = 0;
  bool starts_after = false;
  bool lossy = false;
  double feels_heat = 1;
  double feels_load = 1;
  double restarts = 0;  // a minute
};

class RolloutWorld {
 public:
  static constexpr std::uint32_t kModels = 4;
  static constexpr std::uint32_t kSites = 8;

  explicit RolloutWorld(const RolloutWorldOptions& options);
  // Lives one more minute; the first is kFirstMinute.
  void step();
  int minute() const { return minute_; }
  std::vector<LivingDevice>& devices() { return devices_; }
  const std::vector<LivingDevice>& devices() const { return devices_; }
  const MemoryDip& dip() const { return dip_; }
  bool has_heat() const { return heat_; }
  bool has_load() const { return load_; }

 private:
  struct Site {
    std::array<double, kWorldMetrics> shock{};
    int dark_left = 0;
  };
  void make_device(int number, int devices, double lossy);
  void step_sites();
  void step_device(LivingDevice& device);

  WorldRandom random_;
  MemoryDip dip_;
  double dip_keeps_;
  int minute_ = kFirstMinute - 1;
  std::vector<LivingDevice> devices_;
  std::vector<Site> sites_;
  std::array<double, kModels> model_feels_heat_{};
  std::array<double, kModels> model_feels_load_{};
  bool heat_ = false;
  bool load_ = false;
  int heat_from_ = 0;
  int load_from_ = 0;
};

}  // namespace ota::sim
