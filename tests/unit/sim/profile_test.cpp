#include "sim/profile.h"

#include "tests/support/catch.h"

using ota::model::Metric;
using ota::sim::Profile;
using ota::sim::SimulatedSensors;

namespace {
double of(const ota::sim::Readings& readings, Metric metric) {
  return *readings[static_cast<std::size_t>(metric)];
}
}  // namespace

TEST_CASE("the same seed gives the same readings, another seed others", "[sim]") {
  SimulatedSensors a(Profile::kStable, 7);
  SimulatedSensors b(Profile::kStable, 7);
  SimulatedSensors c(Profile::kStable, 8);
  bool differs = false;
  for (int second = 0; second < 60; ++second) {
    const auto reading = a.read(second);
    CHECK(reading == b.read(second));
    differs = differs || reading != c.read(second);
  }
  CHECK(differs);
}

TEST_CASE("a stable device stays far below every default limit for an hour", "[sim]") {
  SimulatedSensors sensors(Profile::kStable, 1);
  for (int second = 0; second < 3600; ++second) {
    const auto reading = sensors.read(second);
    CHECK(of(reading, Metric::kCpu) < 20);
    CHECK(of(reading, Metric::kMem) < 40);
    CHECK(of(reading, Metric::kDisk) < 45);
    CHECK(of(reading, Metric::kTemp) < 50);
  }
}

TEST_CASE("a stressed device breaches the CPU limit from its first reading on", "[sim]") {
  SimulatedSensors sensors(Profile::kStressed, 2);
  for (int second = 0; second < 600; ++second) {
    const auto reading = sensors.read(second);
    CHECK(of(reading, Metric::kCpu) >= 92);
    CHECK(of(reading, Metric::kMem) >= 88);
    CHECK(of(reading, Metric::kMem) <= 97);
  }
}

TEST_CASE("heat, leak, miner and flapping start healthy and end where their name says", "[sim]") {
  SimulatedSensors heat(Profile::kOverheating, 3);
  SimulatedSensors leak(Profile::kLeak, 3);
  SimulatedSensors miner(Profile::kMiner, 3);
  SimulatedSensors flapping(Profile::kFlapping, 3);
  CHECK(of(heat.read(0), Metric::kTemp) < 60);
  CHECK(of(leak.read(0), Metric::kMem) < 40);
  CHECK(of(miner.read(0), Metric::kCpu) < 20);
  CHECK(of(flapping.read(0), Metric::kCpu) < 20);
  CHECK(of(flapping.read(16), Metric::kCpu) > 90);
  CHECK(of(flapping.read(31), Metric::kCpu) < 20);
  for (int second = 1; second < 700; ++second) {
    heat.read(second);
    leak.read(second);
    miner.read(second);
  }
  CHECK(of(heat.read(700), Metric::kTemp) > 90);
  CHECK(of(leak.read(700), Metric::kMem) > 95);
  CHECK(of(miner.read(700), Metric::kCpu) > 96);
}
