// What the Keys and trust page shows: the signing roles and the changes that wait for signatures.
// A plain value; any thread.
#pragma once

#include <string>
#include <vector>

#include "tuf/ceremony.h"
#include "tuf/repository.h"

namespace ota::console {

struct TrustPage {
  std::vector<tuf::RoleStatus> roles;
  std::vector<tuf::PendingRole> pending;
  std::string problem;  // why the above is missing; empty where it is not
};

}  // namespace ota::console
