// What a rollout is judged by. The defaults are the shipped ones. Pure values; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ota::rollout {

using std::chrono::seconds;

// Which way a metric gets worse.
enum class Worse : std::uint8_t { kUp, kDown };

// A metric that is judged.
struct MetricRule {
  std::string name;
  Worse worse = Worse::kUp;
  double margin = 0;    // the least change that counts, in the metric's unit
  double expected = 0;  // what the release is known to bring: added to the margin
  double least() const { return margin + expected; }
  bool operator==(const MetricRule&) const = default;
};

// The four that every device sends, with the margin that is shipped for each.
inline constexpr double kCpuMargin = 2;     // points
inline constexpr double kMemMargin = 1;     // points
inline constexpr double kDiskMargin = 0.5;  // points
inline constexpr double kTempMargin = 1;    // degrees Celsius

// Where the chance that is chosen may lie, and the largest margin.
inline constexpr double kLeastAlpha = 0.001;
inline constexpr double kMostAlpha = 0.2;
inline constexpr double kLargestMargin = 1e9;

struct JudgeSettings {
  double alpha = 0.01;  // the chance that a rollout without effect ever halts
  seconds first_look = std::chrono::minutes(15);  // after a phase is ready
  std::uint32_t looks = 7;                        // of a phase, each at twice the age of the last
  seconds settle = std::chrono::minutes(5);       // from a confirmation to the first judged minute
  std::uint32_t min_controls = 9;                 // of a model, or it is not judged
  std::uint32_t max_controls = 200;               // of a model
  double acceptable_failure_rate = 0.02;
  // In the order in which a device's changes are given.
  std::vector<MetricRule> metrics = {{"cpu", Worse::kUp, kCpuMargin, 0},
                                     {"mem", Worse::kUp, kMemMargin, 0},
                                     {"disk", Worse::kUp, kDiskMargin, 0},
                                     {"temp", Worse::kUp, kTempMargin, 0}};
  bool operator==(const JudgeSettings&) const = default;
};

// A phase is ready when no offer of it came for so long and this part of the offered has ended.
inline constexpr seconds kQuietBeforeReady = std::chrono::minutes(10);
inline constexpr std::uint32_t kEndedPercentBeforeReady = 80;
// A device without a sample for so long is silent.
inline constexpr seconds kSilentAfter = std::chrono::minutes(15);
// So many restarts between two looks are a loop.
inline constexpr std::uint32_t kLoopRestarts = 3;
// A halt that leaves a chance above this one without one group hangs on that group.
inline constexpr double kWithoutGroup = 0.05;

}  // namespace ota::rollout
