// What the engine costs: bytes of state, and trips to the heap (none).
#include "anomaly/detector.h"
#include "anomaly/device_state.h"
#include "sim/faults.h"
#include "tests/support/allocation_count.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using ota::anomaly::DeviceDetector;

TEST_CASE("a metric's state is within 4 KiB, a device's four and what they share within 8",
          "[anomaly][budget]") {
  constexpr std::size_t kProfile = 7 * 128;  // on the heap, once a week is known
  constexpr std::size_t kMetric = sizeof(ota::anomaly::Channel) + kProfile;
  CHECK(kMetric <= 4096);
  CHECK(sizeof(ota::anomaly::DeviceState) + ota::model::kMetricCount * kMetric <= 8192);
}

TEST_CASE("once every metric was seen for a week, a reading is judged without a trip to the heap",
          "[anomaly][budget]") {
  if (!ota::test::allocations_are_counted()) return;
  ota::sim::Machine machine(ota::sim::Background::kNoisy, 3, 1min, ota::WallTime(24h));
  DeviceDetector detector(ota::model::Thresholds{});
  constexpr int kWeek = 7 * 24 * 60;  // readings
  std::vector<ota::model::Sample> samples;
  for (int i = 0; i < kWeek + 3000; ++i) {
    samples.push_back(machine.next());
    samples.back().extra = {{"load1", i % 7 + 0.5}, {"net_rx", 1e6 + i % 11}};
    if (i == kWeek + 2000) machine.begin(ota::sim::Fault::kForkBomb, 5);
  }
  for (int i = 0; i < kWeek; ++i)
    detector.observe(samples[static_cast<std::size_t>(i)], samples[static_cast<std::size_t>(i)].at);
  samples.erase(samples.begin(), samples.begin() + kWeek);
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
