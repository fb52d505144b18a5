// What an operator is told of a signing role.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/clock.h"

namespace ota::tuf {

struct RoleStatus {
  std::string role;  // "root", "targets", "snapshot", "timestamp", or a delegated role's name
  std::uint64_t version = 0;
  WallTime expires;
  unsigned threshold = 0;
  unsigned keys = 0;
  bool keys_online = true;  // its signing keys lie in state/keys
};

// As API and otactl give it: the members by their names, `expires` in RFC 3339.
void to_json(nlohmann::json& out, const RoleStatus& status);

// Root, targets or a model's keys lie on the server: whoever has it can publish.
bool publishing_keys_online(const std::vector<RoleStatus>& roles);

}  // namespace ota::tuf
