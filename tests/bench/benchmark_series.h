// The labelled public series and their scoring rule (shared/telemetry/README.md), for benchmarks.
//
// The data is not part of the repository. It is looked for in $OTA_TELEMETRY, then in
// ../shared/telemetry and ../../shared/telemetry.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace ota::bench {

struct Window {
  std::size_t first;  // rows, both included
  std::size_t last;
};

struct Series {
  std::string group;
  std::string name;
  std::vector<WallTime> times;
  std::vector<double> values;
  std::vector<Window> windows;
};

// Nothing where the data is not there.
std::optional<std::vector<Series>> load_series();

struct Profile {
  const char* name;
  double false_positive;
  double false_negative;
};
inline constexpr Profile kStandard{"standard", 0.11, 1};
inline constexpr Profile kLowFalsePositives{"low false positives", 0.22, 1};
inline constexpr Profile kLowFalseNegatives{"low false negatives", 0.11, 2};

// What one series adds to the sum for these scores, a score a row.
double points(const Series& series, const std::vector<double>& scores, double threshold,
              const Profile& profile);
// The sum of points, on the scale where 0 is never an alarm and 100 a perfect detector.
double normalized(double sum, std::size_t windows, const Profile& profile);

}  // namespace ota::bench
