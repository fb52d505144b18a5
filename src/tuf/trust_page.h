// What the Keys and trust page shows: the signing roles and the changes that wait for signatures.
// A plain value; any thread.
#pragma once

#include <string>
#include <vector>

#include "tuf/ceremony.h"
#include "tuf/repository.h"

namespace ota::tuf {

struct TrustPage {
  std::vector<RoleStatus> roles;
  std::vector<PendingRole> pending;
  std::string problem;  // why the above is missing; empty where it is not
};

}  // namespace ota::tuf
