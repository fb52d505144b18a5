// The director's signed word for a command: which image this device may install or go back to, for
// this job and this attempt alone, until it expires.
//
// Thread: any; the director is not changed by signing.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "fleet/fleet.h"
#include "tuf/director.h"

namespace ota::api {

// Of an update or a rollback, good for a day from `now`. The error is the key's.
Result<std::string> sign_directive(const tuf::Director& director, const std::string& device,
                                   const fleet::Command& command, WallTime now);

}  // namespace ota::api
