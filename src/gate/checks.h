// The gate's checks, one function each; gate.cpp holds their table and order.
//
// Pure: no clock, no I/O; any thread. Each says what it saw and what would have to change, also for
// inputs that an earlier check refuses.
#pragma once

#include "gate/gate.h"

namespace ota::gate::rules {

// About the device.
Finding known(const Input& input);
Finding enrolled(const Input& input);
Finding online(const Input& input);
Finding trusted_image(const Input& input);
Finding verdict(const Input& input);

// About the release.
Finding published(const Input& input);
Finding hardware(const Input& input);
Finding version(const Input& input);
Finding no_job(const Input& input);
Finding not_rejected(const Input& input);
// About the hour.
Finding maintenance_window(const Input& input);

// Whether the operator's word stands over a refusal: a reason, and a release that may need it.
bool overridden(const Input& input);

}  // namespace ota::gate::rules
