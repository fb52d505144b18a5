// The sample images that a first run publishes and that a simulated device leaves the factory with.
// The same version gives the same bytes on every host, so a new device's digest is that of the
// published release. Pure; any thread.
#pragma once

#include <string>

#include "model/version.h"

namespace ota::model {

// What a simulated device is delivered with.
inline const Version kFactoryVersion{2, 1, 4};

// A header of text lines, then 64 KiB of bytes that depend on the version alone. `marker_lines`
// stand in the header; a simulated device obeys "health: fail" and "profile: NAME" there.
std::string sample_image(const Version& version, const std::string& marker_lines = {});

}  // namespace ota::model
