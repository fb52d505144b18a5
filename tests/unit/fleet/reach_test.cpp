// Who takes updates on a device: its agent or a DDI client, whoever asks for them now.
#include "base/digest.h"
#include "fleet/ddi_machine.h"
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using test::SmallFleet;

namespace {

void make_token(SmallFleet& it) {
  REQUIRE(it.wait([&](const fleet::Done& done) {
    it.fleet->ddi_set_token("iot-001", sha256_hex("token"), "operator:ann", done);
  }));
}

fleet::DdiOffer poll_ddi(SmallFleet& it) {
  fleet::DdiOffer offer;
  it.fleet->ddi_poll("iot-001", "SWUpdate", "", [&](const Result<fleet::DdiOffer>& result) {
    REQUIRE(result.has_value());
    offer = *result;
  });
  REQUIRE(it.store.flush());
  return offer;
}

std::vector<fleet::Command> poll_commands(SmallFleet& it) {
  it.fleet->polled("iot-001", model::BootId{1, 1}, "10.0.0.4");
  return it.commands("iot-001");
}

// A minute of a device whose agent runs and polls.
void run_agent(SmallFleet& it) {
  for (int i = 0; i < 60; ++i) {
    if (i % 30 == 0) poll_commands(it);
    it.run("iot-001", it.quiet_cpu(), 1);
  }
}

Result<void> use(SmallFleet& it, model::UpdatesBy by) {
  return it.wait(
      [&](const fleet::Done& done) { it.fleet->ddi_use("iot-001", by, "operator:ann", done); });
}

model::Settings short_polls() {
  model::Settings settings = SmallFleet::default_settings();
  settings.console.ddi.poll = seconds(30);
  return settings;
}

}  // namespace

TEST_CASE("a DDI token for a device whose agent polls changes nothing: the agent gets its updates",
          "[fleet][reach]") {
  SmallFleet it(short_polls());
  it.enrol("iot-001");
  run_agent(it);
  make_token(it);
  run_agent(it);
  CHECK_FALSE(it.row("iot-001").over_ddi);
  REQUIRE_FALSE(it.push("iot-001").job_id.empty());
  CHECK(poll_commands(it).size() == 1);
}

TEST_CASE(
    "one bare DDI poll beside an agent that polls is said, blocks while it lasts, and is over "
    "by itself",
    "[fleet][reach]") {
  SmallFleet it(short_polls());
  it.enrol("iot-001");
  run_agent(it);
  make_token(it);
  CHECK_FALSE(poll_ddi(it).deployment);
  poll_commands(it);
  it.run("iot-001", 12, 2);
  CHECK(it.row("iot-001").two_clients);
  CHECK(it.store.of_kind("device.two-clients").size() == 1);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Two Update Clients");
  for (int i = 0; i < 4; ++i)
    run_agent(it);
  CHECK_FALSE(it.row("iot-001").two_clients);
  CHECK_FALSE(it.row("iot-001").over_ddi);
  REQUIRE_FALSE(it.push("iot-001").job_id.empty());
  CHECK(poll_commands(it).size() == 1);
  CHECK_FALSE(poll_ddi(it).deployment);  // a job of the agent is not the other one's
}

TEST_CASE(
    "a device goes over to DDI when its agent asks no more, and back, and a restart of the "
    "server forgets it not",
    "[fleet][reach]") {
  SmallFleet it(short_polls());
  it.enrol("iot-001");
  run_agent(it);
  make_token(it);
  // The agent reports on, and asks for nothing: telemetry decides nothing.
  for (int i = 0; i < 8; ++i) {
    poll_ddi(it);
    it.run("iot-001", 12, 20);
  }
  CHECK(it.row("iot-001").over_ddi);
  CHECK(it.store.of_kind("device.reach").size() == 1);
  it.start();
  it.run("iot-001", 12, 20);
  CHECK(it.row("iot-001").over_ddi);
  it.clock.advance(std::chrono::minutes(10));
  run_agent(it);
  CHECK_FALSE(it.row("iot-001").over_ddi);
  CHECK(it.store.of_kind("device.reach").size() == 2);
}

TEST_CASE("where two ask at once an operator's word decides, over both", "[fleet][reach]") {
  const bool agent = GENERATE(true, false);
  model::Settings settings = short_polls();
  settings.ota.ddi_without_telemetry = model::DdiWithoutTelemetry::kAllow;
  SmallFleet it(settings);
  it.enrol("iot-001");
  CHECK(use(it, model::UpdatesBy::kAgent).error().code == Errc::kConflict);  // it has no DDI client
  make_token(it);
  for (int i = 0; i < 3; ++i) {
    run_agent(it);
    poll_ddi(it);
  }
  it.run("iot-001", 12, 2);
  REQUIRE(it.row("iot-001").two_clients);
  REQUIRE(use(it, agent ? model::UpdatesBy::kAgent : model::UpdatesBy::kDdi));
  it.start();
  run_agent(it);
  poll_ddi(it);
  CHECK_FALSE(it.row("iot-001").two_clients);
  CHECK(it.row("iot-001").over_ddi == !agent);
  const auto pushed = it.push("iot-001");
  INFO(pushed.decision.headline);
  REQUIRE_FALSE(pushed.job_id.empty());
  CHECK(poll_commands(it).size() == (agent ? 1 : 0));
  CHECK(poll_ddi(it).deployment.has_value() == !agent);
}

TEST_CASE("a device that an earlier release updated over DDI stays that", "[fleet][reach]") {
  SmallFleet it(short_polls());
  it.enrol("iot-001");
  make_token(it);
  auto document = Json::parse(it.store.documents["devices"]["iot-001"]);
  document["ddi"].erase("updates_by");
  document["ddi"].erase("asked_last");
  it.store.documents["devices"]["iot-001"] = dump_json(document);
  it.start();
  run_agent(it);
  CHECK(it.row("iot-001").over_ddi);
}
