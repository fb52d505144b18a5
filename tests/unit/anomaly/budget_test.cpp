// What the engine costs: bytes of state, and trips to the heap (none).
#include <atomic>
#include <cstdlib>
#include <new>

#include "anomaly/detector.h"
#include "anomaly/device_state.h"
#include "sim/faults.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using ota::anomaly::DeviceDetector;

// The sanitizers have an allocator of their own, which this would take away from them.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OTA_COUNTS_ALLOCATIONS 1
namespace {
thread_local std::uint64_t allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

TEST_CASE("a metric's state is within 4 KiB, a device's four and what they share within 8",
          "[anomaly][budget]") {
  CHECK(sizeof(ota::anomaly::Channel) <= 4096);
  CHECK(sizeof(ota::anomaly::DeviceState) +
            ota::model::kMetricCount * sizeof(ota::anomaly::Channel) <=
        8192);
}

#ifdef OTA_COUNTS_ALLOCATIONS
TEST_CASE("once every metric was seen, a reading is judged without a trip to the heap",
          "[anomaly][budget]") {
  ota::sim::Machine machine(ota::sim::Background::kNoisy, 3, 1min, ota::WallTime(24h));
  DeviceDetector detector({});
  std::vector<ota::model::Sample> samples;
  for (int i = 0; i < 4000; ++i) {
    samples.push_back(machine.next());
    samples.back().extra = {{"load1", i % 7 + 0.5}, {"net_rx", 1e6 + i % 11}};
    if (i == 3000) machine.begin(ota::sim::Fault::kForkBomb, 5);
  }
  detector.observe(samples[0], samples[0].at);
  const std::uint64_t before = allocations;
  int levels = 0;
  for (const auto& sample : samples) {
    detector.observe(sample, sample.at);
    if (sample.seq % 50 == 0) detector.refuse(ota::model::SampleFault::kRepeated, sample.at);
    levels +=
        static_cast<int>(detector.level(sample.at)) + detector.risk(sample.at) + detector.risen();
  }
  CHECK(allocations == before);
  CHECK(levels > 0);
}
#endif
