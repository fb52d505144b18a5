#include "sim/rollout_world.h"

#include <algorithm>
#include <cstdio>
#include <numbers>

namespace ota::sim {
namespace {

// Parts of a device's variance; its heavy tails, bursts and nightly jobs come on top, so that its
// minutes are a little wilder than kWorldSigma says.
constexpr double kQuickPart = 0.45;  // minutes to an hour
constexpr double kSlowPart = 0.35;   // hours
constexpr double kSitePart = 0.10;   // shared by a site
constexpr double kTailChance = 0.02;
constexpr double kTailTimes = 4;  // as large as another one

constexpr double kBurstsADay = 2;
constexpr double kGapsADay = 1;
constexpr double kRestartsADay = 0.05;
constexpr double kPowerCutsADay = 0.1;  // of a site
constexpr double kHeatDegrees = 6;
constexpr int kHeatRamp = 6 * 60;
constexpr int kHeatHold = 24 * 60;
constexpr std::array<double, kWorldMetrics> kLoadPoints{8, 3, 0, 1.5};

std::uint64_t rotl(std::uint64_t x, unsigned k) {
  return (x << k) | (x >> (64U - k));
}

bool happens(WorldHappens how, double chance, WorldRandom& random) {
  const bool drawn = random.chance(chance);  // drawn in any case: the rest of the world is the same
  return how == WorldHappens::kAlways || (how == WorldHappens::kSometimes && drawn);
}

}  // namespace

WorldRandom::WorldRandom(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {  // splitmix64
    seed += 0x9e3779b97f4a7c15ULL;
    std::uint64_t bits = seed;
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebULL;
    word = bits ^ (bits >> 31U);
  }
}

std::uint64_t WorldRandom::bits() {
  const std::uint64_t result = rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotl(state_[3], 45);
  return result;
}

// Marsaglia's polar method.
double WorldRandom::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double x = 0;
  double y = 0;
  double s = 0;
  do {
    x = between(-1, 1);
    y = between(-1, 1);
    s = x * x + y * y;
  } while (s >= 1 || s == 0);
  const double scale = std::sqrt(-2 * std::log(s) / s);
  spare_ = y * scale;
  has_spare_ = true;
  return x * scale;
}

RolloutWorld::RolloutWorld(const RolloutWorldOptions& options)
    : random_(options.seed),
      dip_(options.dip),
      dip_keeps_(options.dip.keeps_a_minute()),
      sites_(kSites) {
  for (std::uint32_t model = 0; model < kModels; ++model) {
    model_feels_heat_[model] = random_.between(0.5, 1.5);
    model_feels_load_[model] = random_.between(0.5, 1.5);
  }
  heat_ = happens(options.heat, 0.3, random_);
  load_ = happens(options.load, 0.2, random_);
  heat_from_ = static_cast<int>(random_.between(-12 * 60, 20 * 60));
  load_from_ = static_cast<int>(random_.between(0, 20 * 60));
  devices_.reserve(static_cast<std::size_t>(options.devices));
  for (int i = 0; i < options.devices; ++i)
    make_device(i, options.devices, options.lossy);
}

void RolloutWorld::make_device(int number, int devices, double lossy) {
  constexpr std::array<double, kModels> kUpTo{0.5, 0.8, 0.95, 1.0};
  LivingDevice device;
  std::array<char, 16> id{};
  std::snprintf(id.data(), id.size(), "dev-%04d", number);
  device.id = id.data();
  while ((number + 0.5) / devices > kUpTo[device.model])
    ++device.model;
  device.site = static_cast<std::uint32_t>(random_.bits() % kSites);
  constexpr std::array<std::array<double, 2>, kWorldMetrics> kLevels{
      {{15, 55}, {30, 65}, {20, 70}, {35, 60}}};
  for (std::size_t m = 0; m < kWorldMetrics; ++m) {
    device.factor[m] = std::exp(0.3 * random_.normal());
    device.level[m] = random_.between(kLevels[m][0], kLevels[m][1]);
    device.amplitude[m] = kWorldSigma[m] * device.factor[m] * random_.between(0.2, 2);
  }
  device.amplitude[2] *= 0.1;  // a disk has no day
  device.course_at = random_.between(0, 2 * std::numbers::pi);
  device.quick_keep = std::exp(-1 / random_.between(20, 60));
  device.slow_keep = std::exp(-1 / random_.between(3 * 60, 12 * 60));
  device.night_from = static_cast<int>(random_.between(0, kDayMinutes));
  device.night_minutes = random_.chance(0.5) ? static_cast<int>(random_.between(10, 60)) : 0;
  device.night_size = random_.between(1, 4);
  device.lossy = random_.chance(lossy);
  device.feels_heat = model_feels_heat_[device.model] * std::exp(0.4 * random_.normal());
  device.feels_load = model_feels_load_[device.model] * std::exp(0.4 * random_.normal());
  device.restarts = kRestartsADay / kDayMinutes * std::exp(random_.normal());
  for (std::size_t m = 0; m < kWorldMetrics; ++m) {
    device.quick[m] = random_.normal();
    device.slow[m] = random_.normal();
  }
  devices_.push_back(std::move(device));
}

void RolloutWorld::step() {
  ++minute_;
  step_sites();
  for (LivingDevice& device : devices_)
    step_device(device);
}

void RolloutWorld::step_sites() {
  static const double kKeep = std::exp(-1.0 / 90);
  static const double kFresh = std::sqrt(1 - kKeep * kKeep);
  for (Site& site : sites_) {
    for (double& shock : site.shock)
      shock = shock * kKeep + kFresh * random_.normal();
    if (site.dark_left > 0) --site.dark_left;
    if (site.dark_left == 0 && random_.chance(kPowerCutsADay / kDayMinutes)) {
      site.dark_left = static_cast<int>(random_.between(5, 60));
    }
  }
}

void RolloutWorld::step_device(LivingDevice& device) {
  const auto draws_a_day = [this](double times) { return random_.chance(times / kDayMinutes); };
  const bool dark = sites_[device.site].dark_left > 0;
  if (dark) {
    device.gone_left = std::max(device.gone_left, 1);
    device.starts_after = true;
  }
  if (!dark && device.gone_left == 0 && draws_a_day(kGapsADay)) {
    device.gone_left = static_cast<int>(random_.between(2, 90));
  }
  if (!dark && random_.chance(device.restarts)) {
    device.gone_left = std::max(device.gone_left, 3);
    device.starts_after = true;
  }
  device.booted = false;
  const bool gone = device.gone_left > 0;
  if (gone) {
    --device.gone_left;
  } else if (device.starts_after) {
    device.starts_after = false;
    device.booted = true;
    device.dip = dip_.points;
  }
  device.dip *= dip_keeps_;
  if (device.burst_left > 0) {
    --device.burst_left;
  } else if (draws_a_day(kBurstsADay)) {
    device.burst_left = static_cast<int>(random_.between(3, 40));
    device.burst_size = random_.between(1, 6);
  }

  const int of_day = ((minute_ % kDayMinutes) + kDayMinutes) % kDayMinutes;
  const double course = std::sin(2 * std::numbers::pi * of_day / kDayMinutes + device.course_at);
  const int into_night = (of_day - device.night_from + kDayMinutes) % kDayMinutes;
  const double job = into_night < device.night_minutes ? device.night_size : 0;
  const double burst = device.burst_left > 0 ? device.burst_size : 0;
  const int hot_for = minute_ - heat_from_;
  double heat = 0;
  if (heat_ && hot_for > 0) {
    heat = std::min(1.0, static_cast<double>(hot_for) / kHeatRamp);
    const int over = hot_for - kHeatRamp - kHeatHold;
    if (over > 0) heat = std::max(0.0, 1 - static_cast<double>(over) / kHeatRamp);
  }
  const bool loaded = load_ && minute_ >= load_from_;
  const double quick_fresh = std::sqrt(1 - device.quick_keep * device.quick_keep);
  const double slow_fresh = std::sqrt(1 - device.slow_keep * device.slow_keep);
  constexpr std::array<double, kWorldMetrics> kFeelsBurst{1, 0.4, 0, 0.5};
  for (std::size_t m = 0; m < kWorldMetrics; ++m) {
    double fresh = random_.normal();
    if (random_.chance(kTailChance)) fresh *= kTailTimes;
    device.quick[m] = device.quick[m] * device.quick_keep + quick_fresh * fresh;
    device.slow[m] = device.slow[m] * device.slow_keep + slow_fresh * random_.normal();
    device.above[m] =
        std::sqrt(kQuickPart) * device.quick[m] + std::sqrt(kSlowPart) * device.slow[m] +
        std::sqrt(kSitePart) * sites_[device.site].shock[m] + kFeelsBurst[m] * (burst + job);
    double value = device.level[m] + device.amplitude[m] * course +
                   kWorldSigma[m] * device.factor[m] * device.above[m];
    if (m == 3) value += heat * kHeatDegrees * device.feels_heat;
    if (loaded) value += kLoadPoints[m] * device.feels_load;
    device.value[m] = value;
  }
  device.heard = !gone && !(device.lossy && random_.chance(1.0 / 3));
}

}  // namespace ota::sim
