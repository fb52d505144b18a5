// POST /v1/telemetry, decoded: one sample or an array of them, by simdjson.
//
// Strict in form (types, bounds, no key twice), silent on members it does not know. Whether a value
// can be true is not decided here: the fleet refuses samples one by one, and counts them. Pure; any
// thread; no allocation once `out` and the thread's parser have grown.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/telemetry.h"

namespace ota::api {

// kInvalid: malformed, with the sample's number; kLimit: more than `max_samples`. `out` is cleared
// first.
Result<void> decode_telemetry(std::string_view body, std::size_t max_samples,
                              std::vector<model::Sample>& out);

}  // namespace ota::api
