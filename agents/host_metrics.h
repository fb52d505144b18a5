// The host's own readings: /proc/stat, /proc/meminfo, statvfs of the root file system, thermal
// zones or hwmon.
//
// What the host does not tell is absent, never zero. Thread: one per object.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "sim/profile.h"

namespace ota::agent {

// Counters of the first line of /proc/stat, in clock ticks.
struct CpuTicks {
  std::uint64_t busy = 0;
  std::uint64_t all = 0;
};
std::optional<CpuTicks> parse_cpu_ticks(std::string_view proc_stat);
// Percent of the memory that is not available to new programs.
std::optional<double> parse_memory_percent(std::string_view proc_meminfo);

class HostMetrics {
 public:
  // `root` is "/" but in tests.
  explicit HostMetrics(std::filesystem::path root = "/");
  // The CPU's share is that since the last call; absent at the first.
  sim::Readings read();

 private:
  std::optional<double> cpu();
  std::optional<double> disk() const;
  std::optional<double> temperature() const;
  void find_sensors();

  std::filesystem::path root_;
  std::optional<CpuTicks> last_;
  std::vector<std::filesystem::path> sensors_;  // in thousandths of a degree
};

}  // namespace ota::agent
