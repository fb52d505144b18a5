#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using model::SampleFault;
using test::SmallFleet;

TEST_CASE("impossible samples are counted and never read as healthy", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  const auto fault = [&](auto change) {
    auto sample = it.sample("iot-001", 12);
    change(sample);
    const auto result = it.send("iot-001", sample);
    REQUIRE(result.accepted == 0);
    REQUIRE(result.refused.size() == 1);
    return result.refused[0].second;
  };
  CHECK(fault([](auto& s) { s.value(model::Metric::kCpu) = 101; }) == SampleFault::kOutOfRange);
  CHECK(fault([](auto& s) { s.value(model::Metric::kCpu) = -1; }) == SampleFault::kOutOfRange);
  CHECK(fault([](auto& s) { s.value(model::Metric::kMem) = std::nan(""); }) ==
        SampleFault::kNotANumber);
  CHECK(fault([](auto& s) { s.values = {}; }) == SampleFault::kMalformed);
  CHECK(fault([](auto& s) { s.at += seconds(61); }) == SampleFault::kFuture);
  CHECK(fault([](auto& s) { s.at -= seconds(601); }) == SampleFault::kStale);
  it.tick();
  CHECK(it.row("iot-001").refused_samples == 6);
  CHECK_FALSE(it.row("iot-001").online);
  CHECK(it.row("iot-001").level == model::Level::kUnknown);
}

TEST_CASE("repeated and late samples are refused one by one in a batch", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  std::vector<model::Sample> samples{it.sample("iot-001", 10), it.sample("iot-001", 11),
                                     it.sample("iot-001", 12)};
  samples.push_back(samples[1]);
  const auto result = it.fleet->ingest("iot-001", samples);
  CHECK(result.accepted == 3);
  REQUIRE(result.refused.size() == 1);
  CHECK(result.refused[0] == std::pair{samples[1].seq, SampleFault::kRepeated});
}

TEST_CASE("a device that falls silent goes offline and its verdict unknown, once", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  CHECK(it.row("iot-001").online);
  CHECK(it.store.of_kind("device.online").size() == 1);
  it.clock.advance(seconds(20));
  for (int i = 0; i < 5; ++i)
    it.tick();
  CHECK_FALSE(it.row("iot-001").online);
  CHECK(it.row("iot-001").state == fleet::DeviceState::kOffline);
  CHECK(it.row("iot-001").level == model::Level::kUnknown);
  CHECK(it.store.of_kind("device.offline").size() == 1);
  CHECK(it.store.of_kind("verdict.unknown").size() == 1);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Device Offline");
}

TEST_CASE("silence between two ticks already counts for the gate", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  it.clock.advance(seconds(16));
  CHECK(it.push("iot-001").decision.answer == model::Answer::kBlock);
}

TEST_CASE("only a change of the verdict is an event", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-002");
  it.run("iot-002", 97, 60);
  CHECK(it.store.of_kind("verdict.critical").size() == 1);
  it.tick();
  const auto events = it.fleet->snapshot()->last_event;
  it.run("iot-002", 96, 60);
  it.tick();
  CHECK(it.fleet->snapshot()->last_event == events);
}

TEST_CASE("a device is shown offline and unknown from the same moment on", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const milliseconds stale = SmallFleet::default_settings().thresholds.stale_after;
  it.clock.advance(stale - milliseconds(2));
  for (int i = 0; i < 4; ++i) {
    it.tick();
    CAPTURE(i);
    CHECK(it.row("iot-001").online == (it.row("iot-001").level != model::Level::kUnknown));
    it.clock.advance(milliseconds(1));
  }
  CHECK_FALSE(it.row("iot-001").online);
}

TEST_CASE("a minute's summary is stored when the next one begins", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 130);
  CHECK(it.store.documents["minutes"].size() >= 2);
}

TEST_CASE("an image that nobody published for the device is flagged and blocks", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  it.status("iot-001", model::Version(2, 1, 4), std::string(64, 'f'));
  CHECK(it.store.of_kind("device.unexpected-image").size() == 1);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Untrusted Image");
}

TEST_CASE("hardware that contradicts the whitelist is flagged and blocks", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  fleet::DeviceStatus status;
  status.hardware = "rpi4\x1b[2J";
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->report_status("iot-001", status, done); }));
  const auto events = it.store.of_kind("device.hardware-mismatch");
  REQUIRE(events.size() == 1);
  CHECK(events[0].message.find('\x1b') == std::string::npos);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Wrong Hardware");
}

TEST_CASE("a fallback that the device reports by itself rejects the release", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  fleet::DeviceStatus status;
  status.fallback = "three boots without confirm";
  status.fallback_sha256 = test::kDigest215;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(it.wait([&](fleet::Done done) { it.fleet->report_status("iot-001", status, done); }));
  }
  CHECK(it.store.of_kind("device.fallback").size() == 1);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Release Rejected Before");
}

TEST_CASE("the detail of a device has its gate against the target, and its history", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto detail = it.fleet->detail("iot-001");
  REQUIRE(detail);
  CHECK(detail->history.size() == 10);
  REQUIRE(detail->gate);
  CHECK(detail->gate->answer == model::Answer::kAllow);
  CHECK(it.row("iot-001").gate == "pass");
  CHECK(it.fleet->detail("nobody") == nullptr);
}

TEST_CASE("a block that nobody sees to becomes an event of its own, once", "[fleet]") {
  auto settings = SmallFleet::default_settings();
  settings.thresholds.block_escalate_after = seconds(60);
  SmallFleet it(settings);
  it.enrol("iot-002");
  it.run("iot-002", 97, 50);
  CHECK(it.store.of_kind("verdict.block-escalated").empty());
  for (int i = 0; i < 3; ++i)
    it.run("iot-002", 97, 30);
  CHECK(it.store.of_kind("verdict.block-escalated").size() == 1);
}

TEST_CASE("a store that takes no writes is told once it can be written again", "[fleet]") {
  SmallFleet it;
  it.store.full = true;
  it.store.state = {.writable = false, .problem = "no space left", .since = {}};
  it.tick();
  CHECK_FALSE(it.fleet->snapshot()->store_writable);
  CHECK(it.fleet->snapshot()->store_problem == "no space left");
  it.store.full = false;
  it.store.state = {};
  it.tick();
  it.tick();
  CHECK(it.store.of_kind("store.unwritable").size() == 1);
  CHECK(it.store.of_kind("store.recovered").size() == 1);
}
