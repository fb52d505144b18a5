// What the state of many devices takes, with a month of each learnt.

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "anomaly/detector.h"
#include "sim/faults.h"
#include "tests/bench/bench_faults.h"

namespace ota::bench {
namespace {

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  double pages = 0;
  in >> pages >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

}  // namespace

LearntFleet hold_learnt_devices(std::size_t devices) {
  constexpr std::uint64_t kLearnt = 20;
  constexpr milliseconds kInterval = std::chrono::minutes(5);
  constexpr int kMonth = 30 * 24 * 12;
  const auto thresholds = std::make_shared<const model::Thresholds>();
  std::vector<std::string> kept;
  double bytes = 0;
  for (std::uint64_t seed = 1; seed <= kLearnt; ++seed) {
    const auto background = sim::kBackgroundWords[seed % sim::kBackgroundWords.size()].first;
    sim::Machine machine(background, seed, kInterval, WallTime(std::chrono::hours(480'000)));
    anomaly::DeviceDetector detector(thresholds);
    for (int i = 0; i < kMonth; ++i) {
      const model::Sample sample = machine.next();
      detector.observe(sample, sample.at);
    }
    bytes += static_cast<double>(detector.bytes()) / kLearnt;
    kept.push_back(detector.keep());
  }
  const double before = resident_mib();
  std::vector<anomaly::DeviceDetector> all;
  all.reserve(devices);
  for (std::size_t i = 0; i < devices; ++i) {
    const bool good = all.emplace_back(thresholds).restore(kept[i % kLearnt]).has_value();
    if (!good) throw std::runtime_error("a memory was refused");
  }
  return {bytes, kept.front().size(), resident_mib() - before};
}

void print_memory() {
  constexpr std::size_t kDevices = 100'000;
  const LearntFleet held = hold_learnt_devices(kDevices);
  std::printf(
      "\na device of four metrics after a month: %.0f bytes of at most 10240, %zu in a snapshot; "
      "%zu of them in one process: %.0f MiB, %.1f KiB each\n",
      held.device_bytes, held.kept_bytes, kDevices, held.mib,
      held.mib * 1024 / static_cast<double>(kDevices));
}

}  // namespace ota::bench
