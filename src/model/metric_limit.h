// The hard limit of each metric, as thresholds.json says it. Pure; any thread.
#pragma once

#include "model/settings.h"
#include "model/telemetry.h"

namespace ota::model {

// In the metric's unit: percent, or degrees Celsius.
inline double limit_of(const Thresholds& thresholds, Metric metric) {
  switch (metric) {
    case Metric::kCpu:
      return thresholds.cpu_threshold;
    case Metric::kMem:
      return thresholds.mem_threshold;
    case Metric::kDisk:
      return thresholds.disk_threshold;
    case Metric::kTemp:
      return thresholds.temp_threshold;
  }
  return 100;
}

}  // namespace ota::model
