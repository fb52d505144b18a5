// What a device costs: bytes of state, and trips to the heap (none).
#include "anomaly/detector.h"
#include "sim/faults.h"
#include "tests/support/allocation_count.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using ota::anomaly::DeviceDetector;

TEST_CASE(
    "a device of four metrics is known for a month within 10 KiB, and no reading of it goes "
    "to the heap",
    "[anomaly][budget]") {
  ota::sim::Machine machine(ota::sim::Background::kNoisy, 3, 5min, ota::WallTime(24h));
  DeviceDetector detector(ota::model::Thresholds{});
  constexpr int kMonth = 30 * 24 * 12;  // readings
  constexpr int kAfter = 1000;
  std::vector<ota::model::Sample> samples;
  for (int i = 0; i < kMonth + kAfter; ++i) {
    if (i == 2000 || i == kMonth + 500) machine.begin(ota::sim::Fault::kForkBomb, 5);
    if (i == 2030) machine.begin(ota::sim::Fault::kNone, 0);
    samples.push_back(machine.next());
  }
  for (int i = 0; i < kMonth; ++i)
    detector.observe(samples[static_cast<std::size_t>(i)], samples[static_cast<std::size_t>(i)].at);
  CHECK(detector.bytes() <= 10240);
  samples.erase(samples.begin(), samples.begin() + kMonth);
  if (!ota::test::allocations_are_counted()) return;
  const std::uint64_t before = ota::test::allocations_so_far();
  int levels = 0;
  for (const auto& sample : samples) {
    detector.observe(sample, sample.at);
    if (sample.seq % 50 == 0) detector.refuse(ota::model::SampleFault::kRepeated, sample.at);
    levels +=
        static_cast<int>(detector.level(sample.at)) + detector.risk(sample.at) + detector.risen();
  }
  const std::uint64_t after = ota::test::allocations_so_far();
  CHECK(after == before);
  CHECK(levels > 0);
}
