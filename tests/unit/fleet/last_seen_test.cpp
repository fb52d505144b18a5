// When a device was seen last is known after a restart, and costs no write for each sample.
#include "tests/support/catch.h"
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using test::SmallFleet;

namespace {

WallTime last_seen_of(const SmallFleet& it, const std::string& id) {
  const auto snapshot = it.fleet->snapshot();
  const auto* row = snapshot->find(id);
  REQUIRE(row != nullptr);
  return row->last_seen;
}

}  // namespace

TEST_CASE("when a device was seen last survives an ordered end to the moment", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 10, 30);
  const WallTime seen = it.clock.wall();
  it.fleet->save_last_seen();
  REQUIRE(it.store.flush());
  it.clock.advance(std::chrono::hours(1));
  it.start();
  CHECK(last_seen_of(it, "iot-001") == seen);
  CHECK(last_seen_of(it, "iot-002") == WallTime{});  // never
}

TEST_CASE("a device that went offline was seen last when it was, also after a crash", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 10, 30);
  const WallTime seen = it.clock.wall();
  it.clock.advance(std::chrono::minutes(5));
  it.tick();
  it.start();
  CHECK(last_seen_of(it, "iot-001") == seen);
}

TEST_CASE("a crash forgets at most ten minutes of when a device was seen last", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  for (int minute = 0; minute < 13; ++minute) {
    it.run("iot-001", 10, 60);
    it.tick();
  }
  const WallTime seen = it.clock.wall();
  it.start();
  const WallTime known = last_seen_of(it, "iot-001");
  CHECK(known > seen - std::chrono::minutes(12));
  CHECK(known <= seen);
}

TEST_CASE("samples do not write the device's record each time", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 10, 61);
  const std::uint64_t before = it.store.load("devices")->at(0).revision;
  std::uint64_t writes = 0;
  std::uint64_t last = before;
  for (int minute = 0; minute < 20; ++minute) {
    it.run("iot-001", 10, 60);
    const std::uint64_t now = it.store.load("devices")->at(0).revision;
    if (now != last) ++writes;
    last = now;
  }
  CHECK(writes == 2);
}
