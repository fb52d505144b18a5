#include "tuf/role_status.h"

#include <algorithm>

#include "base/json_numbers.h"
#include "model/time_json.h"
#include "tuf/metadata.h"

namespace ota::tuf {

void to_json(nlohmann::json& out, const RoleStatus& status) {
  out = {{"role", status.role},
         {"version", status.version},
         {"expires", model::time_json(status.expires)},
         {"threshold", status.threshold},
         {"keys", status.keys},
         {"keys_online", status.keys_online}};
}

bool publishing_keys_online(const std::vector<RoleStatus>& roles) {
  return std::ranges::any_of(roles, [](const RoleStatus& role) {
    return role.keys_online && role.role != kSnapshot && role.role != kTimestamp;
  });
}

}  // namespace ota::tuf
