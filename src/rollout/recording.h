// A recorded or simulated rollout as a file, and its judgement: `otactl rollout judge`.
//
// JSON Lines in the order of time; README.md of this folder has the format. The file is read once
// and a line of output depends on no later row. Bounded before it is kept: lines, devices, models,
// phases, readings. A row that does not fit ends the reading with the number of its line and what is
// wrong with it; what was judged before it has been written.
//
// No file is opened here. Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "model/settings.h"
#include "rollout/judge.h"

namespace ota::rollout {

inline constexpr int kRecordingFormat = 1;
inline constexpr std::size_t kLongestRow = 16U << 20;  // bytes
inline constexpr std::size_t kMostDevices = 100'000;
inline constexpr std::size_t kMostPhases = 32;
inline constexpr std::size_t kMostMetrics = 12;
inline constexpr std::size_t kLongestName = 128;  // bytes of an id, a model, a group, a metric
inline constexpr double kLargestReading = 1e15;

struct RecordingOptions {
  std::optional<double> alpha;                       // in place of the recording's
  std::map<std::string, double> margins;             // of metrics, in place of the recording's
  model::Thresholds thresholds;                      // where the recording has no limits
  std::function<void(std::string_view line)> write;  // a line of output, with its line feed
  std::function<void(std::string_view what)> note;   // what was passed over, in words
};

struct RecordingSummary {
  std::optional<WallTime> halted;
  std::uint64_t looks = 0;
  std::uint64_t offered = 0;
  std::uint64_t devices = 0;
};

// Reads to the end, or to the halt. kInvalid, kConflict, kLimit: the row that does not fit.
Result<RecordingSummary> judge_recording(std::istream& in, const RecordingOptions& options);

// Lines of the output, without their line feed.
std::string line_of(const Report& report);
std::string line_of(const RecordingSummary& summary);

}  // namespace ota::rollout
