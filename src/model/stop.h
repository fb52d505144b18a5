// An operator's word that no update starts anywhere, until it is taken back. Pure; any thread.
#pragma once

#include <string>

#include "base/clock.h"

namespace ota::model {

inline constexpr std::size_t kMaxStopReason = 200;  // bytes

struct Stop {
  WallTime at;
  std::string actor;  // "operator:ada"
  std::string reason;
  bool operator==(const Stop&) const = default;
};

}  // namespace ota::model
