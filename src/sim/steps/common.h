// What several steps need: waiting for a condition, and reading a device's facts by name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sim/keys.h"
#include "sim/world.h"

namespace ota::sim {

// The member as a list: "a" or ["a","b"].
std::vector<std::string> texts_of(const Json& keys, const char* key);
milliseconds within_of(const World& world, const Json& keys);

// Asks again until `met` answers none, at most for `patience`; else what it answered last is the
// error: what was found instead.
Result<void> wait_until(World& world, milliseconds patience,
                        const std::function<std::optional<std::string>()>& met);

// A field of a device as text: "state", "verdict", "risk", "version" (confirmed), "assigned",
// "written", "booted", "job_state", "online", "slot", ... or a JSON pointer into its whole answer.
std::string field_of(const Json& device, const std::string& field);
// "is" (the default), "is-not", "contains", "above", "below", "reached" (of a job's state).
// kInvalid where the operator is unknown.
Result<bool> compare(const std::string& found, const std::string& op, const std::string& value);

}  // namespace ota::sim
