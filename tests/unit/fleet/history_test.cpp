// What a fleet keeps of its past: minutes, and the records of verdicts and decisions.
#include "base/json.h"
#include "fleet/event_log.h"
#include "fleet/minutes.h"
#include "gate/record.h"
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using test::kStart;
using test::SmallFleet;

TEST_CASE("every stored decision and verdict is made again of its record", "[fleet][record]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.enrol("iot-002");
  it.run("iot-001", 12, 10);
  it.push("iot-001");
  it.run("iot-002", 97, 20);
  it.push("iot-002");
  it.store.state.writable = false;
  it.store.state.problem = "no space left";
  it.clock.advance(seconds(60));
  it.tick();
  it.push("iot-002");
  // Allowed, and sick when it fetches it: the second decision counts, and is kept too.
  it.store.state.writable = true;
  it.run("iot-001", 97, 20);
  CHECK(it.commands("iot-001").empty());
  int decisions = 0;
  int verdicts = 0;
  for (const char* kind : {"gate.allow", "gate.block", "job.refused", "verdict.stable",
                           "verdict.critical", "verdict.unknown"}) {
    for (const model::Event& event : it.store.of_kind(kind)) {
      INFO(event.message);
      const auto made = gate::recompute(event.data.at("record"));
      REQUIRE(made.has_value());
      if (made->decision) {
        ++decisions;
        CHECK(dump_json(*made->decision) == dump_json(event.data.at("decision")));
      } else {
        ++verdicts;
        CHECK(dump_json(made->verdict) == dump_json(event.data.at("verdict")));
      }
    }
  }
  CHECK(decisions == 4);
  CHECK(verdicts >= 4);
  // Memory holds no records: screens do not show them.
  const auto snapshot = it.fleet->snapshot();
  for (const auto& event : *snapshot->events) {
    CHECK((!event->data.contains("record") ||
           event->data["record"] == fleet::EventLog::kRecordLeftOut));
  }
}

TEST_CASE("old minutes leave the store by the time that is configured, those of silent devices too",
          "[fleet][history]") {
  model::Settings settings = SmallFleet::default_settings();
  settings.console.minutes_kept = std::chrono::hours(48);
  SmallFleet it(settings);
  it.enrol("iot-001");
  it.enrol("iot-002");
  it.run("iot-001", 12, 130);
  it.run("iot-002", 12, 130);
  const auto kept = [&](const std::string& id) {
    return fleet::read_all_minutes(it.store, id, kStart, it.clock.wall()).value().size();
  };
  CHECK(kept("iot-001") >= 2);
  CHECK(kept("iot-002") >= 2);
  it.clock.advance(std::chrono::hours(47));
  it.run("iot-001", 12, 130);
  CHECK(kept("iot-001") >= 4);
  it.clock.advance(std::chrono::hours(2));
  for (int i = 0; i < 20; ++i)  // a part of the blocks at each
    it.tick();
  CHECK(kept("iot-001") >= 2);
  CHECK(kept("iot-001") < 4);
  CHECK(kept("iot-002") == 0);
}

TEST_CASE("a device that is hot beside its whole group is told from one alone", "[fleet]") {
  model::Settings settings = SmallFleet::default_settings();
  settings.whitelist.devices.clear();
  for (int i = 1; i <= 5; ++i)
    settings.whitelist.devices.push_back({"d-" + std::to_string(i), "sim-a", "roof", ""});
  SmallFleet it(settings);
  for (int i = 1; i <= 5; ++i)
    it.enrol("d-" + std::to_string(i));
  const auto run = [&](int sick, int for_seconds) {
    for (int second = 0; second < for_seconds; ++second) {
      it.clock.advance(seconds(1));
      for (int i = 1; i <= 5; ++i) {
        const std::string id = "d-" + std::to_string(i);
        it.send(id, it.sample(id, i <= sick ? 97 : 12));
      }
      it.tick();
    }
  };
  run(1, 20);
  CHECK(it.fleet->detail("d-1")->verdict.scope == model::Scope::kOwn);
  CHECK(it.fleet->detail("d-1")->verdict.group == "none of 4 others of group roof shows it");
  run(4, 20);
  CHECK(it.fleet->detail("d-1")->verdict.scope == model::Scope::kShared);
  CHECK(it.fleet->detail("d-1")->verdict.group == "3 of 4 others of group roof show it too");
  CHECK(it.row("d-1").gate == "cpu, shared");
  const auto refused = it.push("d-1").decision;
  CHECK(refused.headline == "BLOCKED: Anomaly Detected");
  CHECK(dump_json(refused).find("3 of 4 others of group roof") != std::string::npos);
}

TEST_CASE("a clock that is wrong for a moment takes no history away", "[fleet][history]") {
  model::Settings settings = SmallFleet::default_settings();
  settings.console.minutes_kept = std::chrono::hours(48);
  SmallFleet it(settings);
  it.enrol("iot-001");
  it.run("iot-001", 12, 130);
  const auto kept = [&] {
    return fleet::read_all_minutes(it.store, "iot-001", kStart, it.clock.wall() + seconds(60))
        .value()
        .size();
  };
  const std::size_t before = kept();
  REQUIRE(before >= 2);
  it.clock.set_wall(it.clock.wall() + std::chrono::hours(24 * 40));
  for (int i = 0; i < 20; ++i)
    it.tick();
  it.clock.set_wall(it.clock.wall() - std::chrono::hours(24 * 40));
  for (int i = 0; i < 20; ++i)
    it.tick();
  CHECK(kept() >= before);
}
