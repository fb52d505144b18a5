// The first row of a recording: who took part, and what the rollout was judged by.
//
// Pure; any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/settings.h"
#include "rollout/judge.h"

namespace ota::rollout {

struct RecordingHead {
  std::vector<std::string> phases;
  std::vector<std::string> metrics;  // of each value, as the cohort's columns
  JudgeSettings settings;
  Cohort cohort;
};

struct RecordingOptions;

// kInvalid or kLimit with the member that does not fit.
Result<RecordingHead> read_head(const Json& row, const RecordingOptions& options);

// "2026-03-04T00:00:00Z" of a whole minute; kInvalid names what was found.
Result<WallTime> read_minute(const Json& row, const char* member);

}  // namespace ota::rollout
