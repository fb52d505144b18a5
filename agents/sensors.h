// The device's sensors by its configured profile: the host's own, or simulated ones that obey the
// running image.
//
// Thread: one at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <variant>

#include "agents/host_metrics.h"
#include "base/clock.h"
#include "sim/profile.h"

namespace ota::agent {

class Sensors {
 public:
  // `profile` is "host" or a word of sim::Profile; `image` is what the device runs.
  Sensors(const std::string& profile, std::uint64_t seed, const std::filesystem::path& image,
          const Clock& clock);
  sim::Readings read();

 private:
  const Clock& clock_;
  MonoTime start_;
  std::variant<HostMetrics, sim::SimulatedSensors> source_;
};

}  // namespace ota::agent
