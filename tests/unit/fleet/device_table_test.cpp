#include "fleet/device_table.h"

#include "tests/support/catch.h"

using namespace ota;
using fleet::LiveDevice;

namespace {

WallTime at(int second) {
  return WallTime(seconds(second));
}

std::shared_ptr<const model::Thresholds> limits() {
  return std::make_shared<const model::Thresholds>();
}

}  // namespace

TEST_CASE("devices come due in the order of their times, each once", "[fleet]") {
  LiveDevice a("a", limits(), 0);
  LiveDevice b("b", limits(), 0);
  fleet::DeviceTimers timers;
  timers.due_by(a, at(20));
  timers.due_by(b, at(10));
  CHECK(timers.take_due(at(9)) == nullptr);
  CHECK(timers.take_due(at(30)) == &b);
  CHECK(timers.take_due(at(30)) == &a);
  CHECK(timers.take_due(at(99)) == nullptr);
  timers.due_by(a, at(40));  // it may be asked for again
  CHECK(timers.take_due(at(40)) == &a);
}

TEST_CASE("a look can be moved forward and not put off", "[fleet]") {
  LiveDevice a("a", limits(), 0);
  fleet::DeviceTimers timers;
  timers.due_by(a, at(20));
  timers.due_by(a, at(30));
  timers.due_by(a, at(10));
  CHECK(timers.take_due(at(10)) == &a);
  CHECK(timers.take_due(at(99)) == nullptr);  // the look at 20 is taken care of
}

TEST_CASE("what was touched is looked at by the next tick", "[fleet]") {
  fleet::DeviceTable table;
  fleet::DeviceTable::Stripe& stripe = table.stripe_of("a");
  stripe.devices["a"] = std::make_unique<LiveDevice>("a", limits(), 0);
  LiveDevice& a = *stripe.devices["a"];
  a.dirty = false;
  stripe.timers.due_by(a, at(20));
  CHECK(table.look("a", [](const LiveDevice&) {}));
  CHECK(stripe.dirty.empty());
  CHECK(table.with("a", [](LiveDevice&) {}));
  CHECK(stripe.dirty.size() == 1);
  CHECK(stripe.timers.take_due(at(1)) == &a);
  CHECK_FALSE(table.with("b", [](LiveDevice&) {}));
}
