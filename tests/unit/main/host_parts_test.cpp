// Parts of the host that decide something by themselves: what an operator asked of it, and rates.
#include "main/operator_asks.h"
#include "main/rate_meter.h"
#include "tests/support/catch.h"

using namespace ota;
using ota::main::OperatorAsks;
using ota::main::RateMeter;

TEST_CASE("another port stands in for the configured one until that is edited", "[main]") {
  OperatorAsks asks;
  CHECK(asks.port_for(8443) == 8443);
  asks.listen_on(9556);
  CHECK(asks.port_for(8443) == 9556);
  CHECK(asks.port_for(8443) == 9556);
  CHECK(asks.port_for(8500) == 8500);  // the edit is the later word
  CHECK(asks.port_for(8443) == 8443);  // and nothing of the old one comes back
}

TEST_CASE("the demonstration is asked for once, and answered to who asked", "[main]") {
  OperatorAsks asks;
  CHECK_FALSE(asks.take_demonstration());
  int first = 0;
  int second = 0;
  OperatorAsks::Done done = [&](const Result<void>&) { ++first; };
  OperatorAsks::Done other = [&](const Result<void>&) { ++second; };
  CHECK(asks.demonstration(done));
  CHECK_FALSE(asks.demonstration(other));
  REQUIRE(other);  // left as it was: its caller still has to be answered
  other({});
  asks.take_demonstration()({});
  CHECK(first == 1);
  CHECK(second == 1);
  CHECK_FALSE(asks.take_demonstration());
}

TEST_CASE("requests per second are by the time that went by", "[main]") {
  ManualClock clock(WallTime(std::chrono::hours(24)));
  RateMeter meter(clock);
  model::ServerStatus status;
  http::ServerStats all;
  CHECK(meter.due());
  CHECK_FALSE(meter.due());
  all.requests = 500;
  clock.advance(milliseconds(2000));  // the host was busy for a second
  REQUIRE(meter.due());
  meter.measure(all, status);
  CHECK(status.requests_per_second == 250);
  all.requests = 30;  // a server that was started anew counts from nothing
  clock.advance(milliseconds(1000));
  meter.measure(all, status);
  CHECK(status.requests_per_second == 30);
  meter.measure(all, status);  // no time at all
  CHECK(status.requests_per_second == 0);
}
