// One reading of a device's health, as it arrives. Plain values; no JSON here: `api/telemetry`
// decodes the wire form.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/enum_text.h"

namespace ota::model {

// The metrics that every device sends; percent but for the temperature (degrees Celsius).
enum class Metric : std::uint8_t { kCpu, kMem, kDisk, kTemp };
inline constexpr std::size_t kMetricCount = 4;
inline constexpr EnumTable<Metric, kMetricCount> kMetricWords{{{Metric::kCpu, "cpu"},
                                                               {Metric::kMem, "mem"},
                                                               {Metric::kDisk, "disk"},
                                                               {Metric::kTemp, "temp"}}};
OTA_ENUM_TEXT(Metric, parse_metric, kMetricWords)

// Drawn anew by the agent at each start of the device (128 random bits; 32 hex digits on the wire).
struct BootId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const BootId&) const = default;
  std::string text() const;
  static Result<BootId> parse(std::string_view text);
};

// A further numeric metric of the device's own naming ([a-z0-9_]{1,24}).
struct ExtraMetric {
  std::string name;
  double value = 0;
};
inline constexpr std::size_t kMaxExtraMetrics = 8;

struct Sample {
  std::uint64_t seq = 0;  // counts up by one within a boot
  BootId boot;
  WallTime at;  // by the device's clock
  std::array<std::optional<double>, kMetricCount> values;
  std::vector<ExtraMetric> extra;

  std::optional<double> value(Metric metric) const {
    return values[static_cast<std::size_t>(metric)];
  }
  std::optional<double>& value(Metric metric) { return values[static_cast<std::size_t>(metric)]; }
};

// Why a sample was refused. A refused sample is counted and never read as healthy.
enum class SampleFault : std::uint8_t {
  kNotANumber,
  kOutOfRange,
  kFuture,
  kRepeated,
  kOutOfOrder,
  kStale,
  kMalformed
};
inline constexpr EnumTable<SampleFault, 7> kSampleFaultWords{
    {{SampleFault::kNotANumber, "not-a-number"},
     {SampleFault::kOutOfRange, "out-of-range"},
     {SampleFault::kFuture, "future"},
     {SampleFault::kRepeated, "repeated"},
     {SampleFault::kOutOfOrder, "out-of-order"},
     {SampleFault::kStale, "stale"},
     {SampleFault::kMalformed, "malformed"}}};
OTA_ENUM_TEXT(SampleFault, parse_sample_fault, kSampleFaultWords)

// Whether the values can be true at all: percentages in [0, 100], temperature in [-60, 150], all
// finite, at least one.
std::optional<SampleFault> implausible(const Sample& sample);

}  // namespace ota::model
