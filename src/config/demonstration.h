// The demonstration's devices and local agents, for a fleet that is empty yet: those of the files
// as they are shipped.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ota::config {

struct DemonstrationFiles {
  std::string console;  // console.json
  std::string devices;  // devices.json
};

// The two texts with the demonstration added; all else in them stays, in its order. An agent that
// console.json has already stays as it is. kInvalid where a text is wrong, kConflict where
// devices.json lists a device.
Result<DemonstrationFiles> with_demonstration(std::string_view console, std::string_view devices);

}  // namespace ota::config
