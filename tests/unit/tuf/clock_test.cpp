// What a wrong clock on the device does to a refresh: nothing old is accepted, nothing is lost.
#include "tests/support/catch.h"
#include "tests/support/tuf_sim.h"
#include "tuf/error.h"

using namespace ota;
using namespace ota::tuf::testing;

namespace {

constexpr std::chrono::hours kDay{24};
constexpr std::chrono::hours kTenYears{24 * 3653};

tuf::UpdaterOptions with_floor(WallTime floor) {
  tuf::UpdaterOptions options;
  options.clock_floor = floor;
  return options;
}

std::string doubt(Device& device) {
  const auto error = device.updater().clock_doubt();
  return error ? std::string(tuf::word_of(error->code)) : "none";
}

}  // namespace

TEST_CASE("a clock ten years behind is replaced by the floor, and said to be wrong", "[tuf]") {
  Sim sim;
  Device device(sim, with_floor(kNow - kDay));
  CHECK(device.refresh_word(kNow - kTenYears) == "ok");
  CHECK(doubt(device) == "tuf.clock-behind");
  CHECK(device.refresh_word(kNow) == "ok");
  CHECK(doubt(device) == "none");
}

TEST_CASE("a clock that is behind makes no expired metadata acceptable", "[tuf]") {
  Sim sim;
  sim.expire_at("timestamp", kNow - kDay * 2);
  sim.publish_timestamp();
  Device device(sim, with_floor(kNow - kDay));
  CHECK(device.refresh_word(kNow - kTenYears) == "tuf.freeze");
  CHECK(doubt(device) == "tuf.clock-behind");
}

TEST_CASE("a clock ten years ahead is called so instead of blaming the repository", "[tuf]") {
  Sim sim;
  Device device(sim, with_floor(kNow - kDay));
  CHECK(device.refresh_word(kNow + kTenYears) == "tuf.clock-ahead");
  CHECK(doubt(device) == "tuf.clock-ahead");
  CHECK(device.refresh_word(kNow + kDay * 90) == "tuf.freeze");  // plausible: a stale repository
  CHECK(device.refresh_word(kNow) == "ok");                      // recovers by itself
  CHECK(doubt(device) == "none");
}

TEST_CASE("a signed time of issue raises the floor for good", "[tuf]") {
  Sim sim;
  sim.part("timestamp")["x-ota-issued"] = "2026-08-20T11:00:00Z";
  sim.publish_timestamp();
  Device device(sim, with_floor(kNow - kDay * 100));
  REQUIRE(device.refresh_word(kNow) == "ok");
  sim.expire_at("timestamp", kNow - kDay);
  sim.publish_timestamp();
  device.restart();
  CHECK(device.refresh_word(kNow - kDay * 50) == "tuf.freeze");
  CHECK(doubt(device) == "tuf.clock-behind");
}

TEST_CASE("this device's own clock never raises the floor", "[tuf]") {
  Sim sim;
  sim.part("timestamp")["x-ota-issued"] = "2026-08-20T11:00:00Z";
  sim.publish_timestamp();
  Device device(sim, with_floor(kNow - kDay * 100));
  REQUIRE(device.refresh_word(kNow + kDay * 20) == "ok");  // ahead, still within expiry
  CHECK(device.refresh_word(kNow) == "ok");
  CHECK(doubt(device) == "none");
}

TEST_CASE("a stolen timestamp key cannot push the floor past what other keys signed", "[tuf]") {
  Sim sim;
  sim.part("timestamp")["x-ota-issued"] = "2099-01-01T00:00:00Z";
  sim.expire_at("timestamp", *parse_rfc3339("2100-01-01T00:00:00Z"));
  sim.publish_timestamp();
  Device device(sim, with_floor(kNow - kDay));
  REQUIRE(device.refresh_word(kNow) == "ok");
  CHECK(device.refresh_word(kNow) == "ok");  // not frozen out by its own floor
  // The rotation that answers the theft, with fresh expiries, is accepted.
  sim.rotate("timestamp");
  sim.expire_at("root", kNow + kDay * 60);
  sim.publish_root();
  for (const char* role : {"targets", "snapshot", "timestamp"})
    sim.expire_at(role, kNow + kDay * 60);
  sim.part("timestamp")["x-ota-issued"] = "2026-08-20T11:30:00Z";
  sim.bump("targets");
  sim.publish();
  CHECK(device.refresh_word(kNow) == "ok");
}
