// What a detector keeps over a restart of the server.
#include "anomaly/memory.h"

#include <bit>

#include "anomaly/detector.h"
#include "anomaly/told.h"
#include "sim/faults.h"
#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace std::chrono_literals;
using ota::WallTime;
using ota::anomaly::DeviceDetector;
using ota::model::Level;
using ota::sim::Background;
using ota::sim::Fault;
using ota::sim::Machine;

namespace {

ota::model::Thresholds by_the_minute() {
  ota::model::Thresholds thresholds;
  thresholds.stale_after = 3min;
  return thresholds;
}

struct Kept {
  explicit Kept(std::uint64_t seed, int rows = 3000)
      : machine(Background::kDaily, seed, 1min, ota::test::kStart), detector(by_the_minute()) {
    for (int i = 0; i < rows; ++i)
      send(detector);
  }
  ota::model::Sample send(DeviceDetector& to) {
    const ota::model::Sample sample = machine.next();
    to.observe(sample, now = sample.at);
    return sample;
  }
  Machine machine;
  DeviceDetector detector;
  WallTime now;
};

}  // namespace

TEST_CASE("a detector that was restored judges on to the bit", "[anomaly][memory]") {
  Kept it(3);
  DeviceDetector restored(by_the_minute());
  REQUIRE(restored.restore(it.detector.keep()).has_value());
  CHECK(restored.keep().size() <= ota::anomaly::kLargestMemory);
  for (int i = 0; i < 2000; ++i) {
    if (i == 1500) it.machine.begin(Fault::kCryptoMiner, 6);
    const auto sample = it.send(it.detector);
    restored.observe(sample, sample.at);
    REQUIRE(std::bit_cast<std::uint64_t>(it.detector.told().rarity) ==
            std::bit_cast<std::uint64_t>(restored.told().rarity));
    REQUIRE(it.detector.score() == restored.score());
    if (i >= 5) REQUIRE(it.detector.level(sample.at) == restored.level(sample.at));
  }
}

TEST_CASE("a restart forgets no incident and makes no verdict better", "[anomaly][memory]") {
  Kept it(4);
  it.machine.begin(Fault::kChangeAfterUpdate, 12);
  for (int i = 0; i < 20; ++i)
    it.send(it.detector);
  REQUIRE(it.detector.told().open);
  REQUIRE(it.detector.level(it.now) >= Level::kWatch);
  DeviceDetector restored(by_the_minute());
  REQUIRE(restored.restore(it.detector.keep()).has_value());
  // The readings of a start are asked for, and then the incident is where it was.
  for (int i = 0; i < 8; ++i) {
    const auto sample = it.send(it.detector);
    restored.observe(sample, sample.at);
    CHECK(restored.level(sample.at) != Level::kStable);
  }
  CHECK(restored.told().open);
  CHECK(restored.told().number == it.detector.told().number);
  CHECK(restored.verdict(it.now).sentence == it.detector.verdict(it.now).sentence);
}

TEST_CASE("what a detector remembers is as long ago after a jump of the clock as before it",
          "[anomaly][memory][clock]") {
  const auto jump = GENERATE(as<ota::milliseconds>{}, -1h, 1h);
  Kept it(5, 300);
  Kept same(5, 300);
  for (Kept* each : {&it, &same})
    each->detector.refuse(ota::model::SampleFault::kFuture, each->now);
  REQUIRE(it.detector.level(it.now) == Level::kWatch);
  it.detector.clock_jumped(jump, it.now + jump + 1s);
  for (int i = 0; i < 20; ++i) {
    ota::model::Sample sample = it.machine.next();
    same.detector.observe(sample, sample.at);
    const WallTime before = sample.at;
    sample.at += jump;
    it.detector.observe(sample, sample.at);
    REQUIRE(it.detector.level(sample.at) == same.detector.level(before));
    REQUIRE(it.detector.score() == same.detector.score());
  }
  CHECK(it.detector.level(it.now + jump + 20min) == Level::kStable);
}

TEST_CASE("a memory that is damaged, cut or another program's gives a new detector",
          "[anomaly][memory]") {
  Kept it(5, 400);
  const std::string kept = it.detector.keep();
  DeviceDetector fresh(by_the_minute());
  for (std::size_t at = 0; at < kept.size(); at += 97) {
    std::string wrong = kept;
    wrong[at] = static_cast<char>(wrong[at] ^ 0x40);
    CHECK(fresh.restore(wrong).has_error());
    CHECK(fresh.restore(std::string_view(kept).substr(0, at)).has_error());
  }
  std::string older = kept;
  older[0] = static_cast<char>(older[0] + 1);
  const auto refused = fresh.restore(older);
  REQUIRE(refused.has_error());
  CHECK(refused.error().context.find("another program's") != std::string::npos);
  CHECK_FALSE(fresh.has_samples());
  CHECK(fresh.restore(kept).has_value());
}
