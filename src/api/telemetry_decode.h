// POST /v1/telemetry, decoded: one sample or an array of them, by simdjson.
//
// Strict in form (types, bounds, no key twice). Members it does not know are a newer agent's: they
// are JSON within the depth of all requests, and else ignored. Whether a value
// can be true is not decided here: the fleet refuses samples one by one, and counts them. Pure; any
// thread; no allocation once `out` and the thread's parser have grown.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/telemetry.h"

namespace ota::api {

struct TelemetryLimits {
  std::size_t samples = 1000;
  std::size_t depth = 16;  // of the whole document
};

// kInvalid: malformed, with the sample's number; kLimit: more samples than the limit. `out` is
// cleared first.
Result<void> decode_telemetry(std::string_view body, const TelemetryLimits& limits,
                              std::vector<model::Sample>& out);

}  // namespace ota::api
