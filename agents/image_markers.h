// What a sample image tells the simulated device that runs it: lines in its first KiB.
//
//   health: fail       the health check after the update fails
//   profile: NAME      the device's sensors behave so from now on
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/profile.h"

namespace ota::agent {

struct ImageMarkers {
  bool unhealthy = false;
  std::optional<sim::Profile> profile;
};

// An image without markers, or that cannot be read, has none.
ImageMarkers read_markers(const std::filesystem::path& image);

}  // namespace ota::agent
