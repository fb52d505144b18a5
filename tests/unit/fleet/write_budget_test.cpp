#include "fleet/write_budget.h"

#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using fleet::WriteBudget;
using test::SmallFleet;

namespace {

const MonoTime kMidnight{std::chrono::hours(1)};

model::Event event_of(const std::string& kind, const std::string& source,
                      const std::string& actor = "") {
  model::Event event;
  event.kind = kind;
  event.source = source;
  event.actor = actor;
  event.message = kind + " of " + source;
  return event;
}

// How many of `count` such events get through at `now`.
std::size_t through(WriteBudget& budget, const model::Event& event, std::size_t count,
                    MonoTime now) {
  std::vector<model::Event> events(count, event);
  for (std::size_t i = 0; i < count; ++i)
    events[i].message += " " + std::to_string(i);
  budget.sift(events, now);
  return events.size();
}

void refused(SmallFleet& it, const std::string& address, const std::string& reason) {
  model::Event event = event_of("auth.fail", address);
  event.message = "TLS handshake refused: " + reason;
  it.fleet->record(event);
}

}  // namespace

TEST_CASE("a device has so many events an hour, and they come back with time", "[fleet]") {
  WriteBudget budget;
  budget.set_limits({200, 1024});
  const auto event = event_of("ddi.attributes", "iot-001");
  CHECK(through(budget, event, 3781, kMidnight) == 200);
  CHECK(through(budget, event_of("verdict.critical", "iot-002"), 10, kMidnight) == 10);
  CHECK(through(budget, event, 100, kMidnight + std::chrono::minutes(30)) == 100);
  CHECK(through(budget, event, 1, kMidnight + std::chrono::minutes(30)) == 0);
  CHECK(through(budget, event, 1000, kMidnight + std::chrono::hours(10)) == 200);
  budget.set_limits({0, 0});
  CHECK(through(budget, event, 1000, kMidnight + std::chrono::hours(10)) == 1000);
}

TEST_CASE("what was left out is told in one sentence now and then", "[fleet]") {
  WriteBudget budget;
  budget.set_limits({10, 1024});
  through(budget, event_of("ddi.attributes", "iot-001"), 30, kMidnight);
  through(budget, event_of("device.online", "iot-001"), 5, kMidnight);
  CHECK(budget.sum_up(kMidnight + seconds(59), {}).empty());
  const auto told = budget.sum_up(kMidnight + seconds(60), {});
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == "budget.spent");
  CHECK(told[0].source == "iot-001");
  CHECK(told[0].message.starts_with("25 more suppressed of iot-001"));
  CHECK(told[0].data == nlohmann::json({{"ddi.attributes", 20}, {"device.online", 5}}));
  // It goes on all day: four sentences an hour, not more.
  std::size_t sentences = 0;
  for (int second = 61; second < 24 * 3600; ++second) {
    const MonoTime now = kMidnight + seconds(second);
    through(budget, event_of("device.online", "iot-001"), 3, now);
    sentences += budget.sum_up(now, {}).size();
  }
  CHECK(sentences > 90);
  CHECK(sentences <= 24 * 4);
  const MonoTime end = kMidnight + std::chrono::hours(24);
  through(budget, event_of("device.online", "iot-001"), 20, end);
  CHECK(budget.use(end).devices_spent == 1);
  CHECK(budget.use(end).left_out_devices > 250'000);
}

TEST_CASE("what operators did, decisions and jobs' steps are never left out", "[fleet]") {
  WriteBudget budget;
  budget.set_limits({10, 1});
  CHECK(through(budget, event_of("device.acknowledged", "iot-001", "operator:a"), 99, kMidnight) ==
        99);
  CHECK(through(budget, event_of("gate.block", "iot-001"), 99, kMidnight) == 99);
  CHECK(through(budget, event_of("job.failed", "iot-001"), 99, kMidnight) == 99);
  CHECK(through(budget, event_of("verdict.block-escalated", "iot-001"), 99, kMidnight) == 99);
}

TEST_CASE("a device that has written its bytes is told for how long to wait", "[fleet]") {
  WriteBudget budget;
  budget.set_limits({200, 1024});
  CHECK_FALSE(budget.wait("iot-001", kMidnight));
  budget.charge("iot-001", 1024 * 1024, kMidnight);
  CHECK(budget.wait("iot-001", kMidnight) == seconds(1));
  budget.charge("iot-001", 1024 * 1024, kMidnight);
  const auto wait = budget.wait("iot-001", kMidnight);
  REQUIRE(wait);
  CHECK(*wait == seconds(3601));
  CHECK_FALSE(budget.wait("iot-001", kMidnight + *wait));
  CHECK_FALSE(budget.wait("iot-002", kMidnight));
  CHECK(budget.use(kMidnight).refused == 2);
}

TEST_CASE("refused handshakes are told once for each address and reason, and then counted",
          "[fleet]") {
  SmallFleet it;
  for (int second = 0; second < 60; ++second) {
    for (int address = 0; address < 40; ++address) {
      for (int again = 0; again < 3; ++again)
        refused(it, "10.0.0." + std::to_string(address), "no certificate");
    }
    it.clock.advance(seconds(1));
  }
  REQUIRE(it.store.flush());
  CHECK(it.store.of_kind("auth.fail").size() == 40);
  it.tick();
  const auto told = it.store.of_kind("auth.fail");
  REQUIRE(told.size() == 80);
  CHECK(told.back().message == "TLS handshake refused: no certificate (179 more suppressed)");
}

TEST_CASE("strangers together have a budget too, however many they are", "[fleet]") {
  SmallFleet it;
  for (int i = 0; i < 10'000; ++i)
    refused(it, "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), "no TLS spoken");
  REQUIRE(it.store.flush());
  CHECK(it.store.of_kind("auth.fail").size() == 2000);
  it.clock.advance(seconds(60));
  it.tick();
  const auto told = it.store.of_kind("budget.spent");
  REQUIRE(told.size() == 1);
  CHECK(told[0].source == "strangers");
  CHECK(told[0].message.starts_with("8000 more suppressed of strangers"));
  // It takes nothing from a device.
  it.enrol("iot-001");
  CHECK(it.store.of_kind("enrol.ok").size() == 1);
  CHECK(it.store.of_kind("device.baseline").size() == 1);
}

TEST_CASE("a status that says nothing new is not written again", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.store.documents["devices"].erase("iot-001");
  it.status("iot-001", model::Version(2, 1, 4), test::kDigest214);
  CHECK(it.store.documents["devices"].count("iot-001") == 0);
  it.status("iot-001", model::Version(2, 1, 5), test::kDigest215);
  CHECK(it.store.documents["devices"].count("iot-001") == 1);
}

TEST_CASE("a device that alternates its attributes is stopped by its budget", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  std::map<std::string, std::string> values[2];
  for (int i = 0; i < 100; ++i) {
    values[0]["key" + std::to_string(i)] = std::string(100, 'a');
    values[1]["key" + std::to_string(i)] = std::string(100, 'b');
  }
  int taken = 0;
  for (int i = 0; i < 4000 && !it.fleet->write_wait("iot-001"); ++i, ++taken) {
    REQUIRE(it.wait([&](const fleet::Done& done) {
      it.fleet->ddi_attributes("iot-001", {fleet::DdiAttributes::Mode::kMerge, values[i % 2]},
                               done);
    }));
  }
  CHECK(taken > 20);
  CHECK(taken < 100);
  CHECK(it.store.of_kind("ddi.attributes").size() < 100);
  const auto wait = it.fleet->write_wait("iot-001");
  REQUIRE(wait);
  it.clock.advance(*wait);
  CHECK_FALSE(it.fleet->write_wait("iot-001"));
}
