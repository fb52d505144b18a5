// A root with many devices that are enrolled already, made without a server: certificates by the
// root's own authority, records in its store, all with one key.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ota::sim {

struct Provisioned {
  std::string authority_pem;
  std::string key_pem;
  std::vector<std::string> ids;           // "v-000001", ...
  std::vector<std::string> certificates;  // PEM, in the same order
};

// Writes config/devices.json, state/pki and state/ota.db of `root`. Blocks: about a millisecond for
// each device.
Result<Provisioned> provision(const std::filesystem::path& root, std::uint32_t devices,
                              const Clock& clock);

}  // namespace ota::sim
