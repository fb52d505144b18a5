#include "http/connection_places.h"

#include <vector>

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::http;
using Standing = ConnectionPlaces::Standing;
using Crowd = ConnectionPlaces::Crowd;
using Place = ConnectionPlaces::PlacePtr;

namespace {

const MonoTime kDawn{};

model::ServerLimits place_limits(std::uint32_t all, std::uint32_t strangers,
                                 std::uint32_t address) {
  model::ServerLimits limits;
  limits.connections = all;
  limits.stranger_connections = strangers;
  limits.connections_per_address = address;
  return limits;
}

std::string address_of(int number) {
  return "10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250);
}

}  // namespace

TEST_CASE("an address holds as many strangers as its limit, and any number of the known",
          "[http]") {
  ConnectionPlaces places;
  const auto limits = place_limits(100, 50, 2);
  std::vector<Place> devices;
  for (int i = 0; i < 20; ++i) {
    devices.push_back(places.enter("192.0.2.1", limits, kDawn).place);
    REQUIRE(devices.back());
    REQUIRE(places.known(devices.back(), Standing::kDevice, limits));
  }
  const Place first = places.enter("192.0.2.1", limits, kDawn).place;
  REQUIRE(places.enter("192.0.2.1", limits, kDawn).place);
  const auto third = places.enter("192.0.2.1", limits, kDawn);
  CHECK_FALSE(third.place);
  CHECK(third.crowd == Crowd::kAddress);
  CHECK(places.enter("192.0.2.2", limits, kDawn).place);
  places.leave(first);
  CHECK(places.enter("192.0.2.1", limits, kDawn).place);
  CHECK(places.strangers() == 3);
  CHECK(places.open() == 23);
}

TEST_CASE("a stranger that had its time makes room for the next one of its address", "[http]") {
  ConnectionPlaces places;
  const auto limits = place_limits(100, 50, 2);
  const Place oldest = places.enter("192.0.2.1", limits, kDawn).place;
  const Place younger = places.enter("192.0.2.1", limits, kDawn + milliseconds(1)).place;
  const auto later = kDawn + ConnectionPlaces::kTimeToSpeak;
  const auto entry = places.enter("192.0.2.1", limits, later);
  REQUIRE(entry.place);
  CHECK(entry.out == oldest);
  CHECK(places.has_to_go(oldest));
  CHECK_FALSE(places.has_to_go(younger));
  // It is too late for it to say who it is.
  CHECK_FALSE(places.known(oldest, Standing::kDevice, limits));
  places.leave(oldest);
  CHECK(places.open() == 2);
}

TEST_CASE("strangers of all addresses have a part of the whole, and the oldest go first",
          "[http]") {
  ConnectionPlaces places;
  const auto limits = place_limits(1000, 20, 5);
  std::vector<Place> held;
  for (int i = 0; i < 200; ++i) {
    const auto entry = places.enter(address_of(i), limits, kDawn + milliseconds(i));
    REQUIRE(entry.place);
    held.push_back(entry.place);
    if (i < 20) {
      CHECK_FALSE(entry.out);
      continue;
    }
    CHECK(entry.crowd == Crowd::kStrangers);
    CHECK(entry.out == held[static_cast<std::size_t>(i) - 20]);
    places.leave(entry.out);
  }
  CHECK(places.strangers() == 20);
  CHECK(places.open() == 20);
}

TEST_CASE("where devices hold all places an operator still gets in, and no further device",
          "[http]") {
  ConnectionPlaces places;
  const auto limits = place_limits(30, 20, 5);
  for (int i = 0; i < 30; ++i) {
    const auto entry = places.enter(address_of(i), limits, kDawn);
    REQUIRE(entry.place);
    REQUIRE(places.known(entry.place, Standing::kDevice, limits));
  }
  // Strangers press in all the while.
  std::vector<Place> strangers;
  for (int i = 100; i < 200; ++i) {
    const auto entry = places.enter(address_of(i), limits, kDawn + milliseconds(i));
    REQUIRE(entry.place);
    if (entry.out) places.leave(entry.out);
  }
  const auto device = places.enter(address_of(300), limits, kDawn + seconds(1));
  REQUIRE(device.place);
  CHECK(device.crowd == Crowd::kAll);
  CHECK_FALSE(places.known(device.place, Standing::kDevice, limits));
  const auto by_operator = places.enter(address_of(301), limits, kDawn + seconds(1));
  REQUIRE(by_operator.place);
  CHECK(places.known(by_operator.place, Standing::kOperator, limits));
  CHECK(places.open() <= 30 + ConnectionPlaces::kSpare + 3);
}

TEST_CASE("bodies on their way share one budget", "[http]") {
  BodyMemory memory;
  CHECK(memory.take(600, 1000));
  CHECK_FALSE(memory.take(600, 1000));
  CHECK(memory.take(400, 1000));
  memory.give(600);
  CHECK(memory.used() == 400);
  CHECK(memory.take(600, 1000));
}
