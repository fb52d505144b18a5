// What a simulated device's sensors say: a profile, a seed and the seconds since the device's start
// give the readings.
//
// The same seed and the same times give the same readings on every host. Pure; Thread: one per
// object.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/enum_text.h"
#include "model/telemetry.h"

namespace ota::sim {

// kStable: a healthy device. kStressed: CPU and memory near their ends. kOverheating: the
// temperature climbs for minutes at a moderate load. kLeak: memory climbs until it is gone. kMiner:
// healthy at first, then a flat full load. kFlapping: healthy and stressed in turns.
enum class Profile : std::uint8_t { kStable, kStressed, kOverheating, kLeak, kMiner, kFlapping };
inline constexpr model::EnumTable<Profile, 6> kProfileWords{{{Profile::kStable, "stable"},
                                                             {Profile::kStressed, "stressed"},
                                                             {Profile::kOverheating, "overheating"},
                                                             {Profile::kLeak, "leak"},
                                                             {Profile::kMiner, "miner"},
                                                             {Profile::kFlapping, "flapping"}}};
constexpr std::optional<Profile> parse_profile(std::string_view text) {
  return model::enum_value(kProfileWords, text);
}

using Readings = std::array<std::optional<double>, model::kMetricCount>;

class SimulatedSensors {
 public:
  SimulatedSensors(Profile profile, std::uint64_t seed);

  // The next readings, rounded to a tenth; `uptime` is in seconds and does not go back.
  Readings read(double uptime);
  // From `uptime` on the device behaves so; the sensors glide there as real ones do.
  void change(Profile profile, double uptime);

 private:
  double noise();  // about [-1, 1], bell-shaped

  Profile profile_;
  double since_ = 0;
  std::uint64_t state_;
  std::array<double, model::kMetricCount> drift_{};
  std::optional<double> temperature_;
};

}  // namespace ota::sim
