// Three facts of a device that are never merged: it is connected, its readings can be used, and
// what they say. And who it is that speaks.
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using test::SmallFleet;

namespace {

// An agent of an earlier release, whose clock is off: it posts each second, and is refused.
void post_off(SmallFleet& it, milliseconds ahead, int for_seconds) {
  for (int i = 0; i < for_seconds; ++i) {
    it.clock.advance(seconds(1));
    auto sample = it.sample("iot-001", 12);
    sample.at += ahead;
    REQUIRE(it.send("iot-001", sample).accepted == 0);
    it.tick();
  }
}

fleet::DeviceStatus status_of(const model::BootId& boot) {
  fleet::DeviceStatus said;
  said.agent = "ota-agent 1.1.0";
  said.hardware = "sim-a";
  said.slot = "A";
  said.boot = boot;
  said.running = model::Image{model::Version(2, 1, 4), test::kDigest214};
  said.confirmed = said.running;
  return said;
}

Result<void> tell(SmallFleet& it, const fleet::DeviceStatus& said) {
  return it.wait([&](fleet::Done done) { it.fleet->report_status("iot-001", said, done); });
}

// Two devices with the identity of iot-001, each in a start of its own.
void two_speak(SmallFleet& it, int for_seconds) {
  static std::uint64_t seq = 0;
  for (int i = 0; i < for_seconds; ++i) {
    for (const std::uint64_t start : {7, 8}) {
      it.clock.advance(milliseconds(500));
      auto sample = it.sample("iot-001", 12);
      sample.boot = {1, start};
      sample.seq = ++seq;
      it.fleet->ingest("iot-001", {&sample, 1}, start == 7 ? "10.0.0.4" : "10.0.0.9");
    }
    it.tick();
  }
}

std::string refusal(const Result<void>& result) {
  return result ? "" : result.error().context;
}

}  // namespace

TEST_CASE(
    "a device whose clock is off is connected and its readings cannot be used: that is said, "
    "once, with the true remedy",
    "[fleet][reach]") {
  const bool ahead = GENERATE(true, false);
  SmallFleet it;
  it.enrol("iot-001");
  post_off(it, ahead ? milliseconds(seconds(90)) : -milliseconds(std::chrono::minutes(11)), 60);
  const auto& row = it.row("iot-001");
  CHECK(row.state == fleet::DeviceState::kUnknown);
  CHECK(row.readings_unusable);
  CHECK(row.label == "Clock Off");
  CHECK(row.clock_off == (ahead ? seconds(90) : seconds(-660)));
  CHECK(it.clock.wall() - row.last_seen <= seconds(1));
  const auto events = it.store.of_kind("device.clock-off");
  REQUIRE(events.size() == 1);
  CHECK(events[0].severity == model::Severity::kWarning);
  CHECK(events[0].message.find(ahead ? "1m30 ahead" : "11m00 behind") != std::string::npos);
  CHECK(events[0].message.find("set its clock") != std::string::npos);
  CHECK(it.store.of_kind("device.offline").empty());
  CHECK(it.fleet->detail("iot-001")->verdict.would_clear == "set its clock");

  // Set right, it counts again, as an event; and then silence is silence.
  it.run("iot-001", 12, 5);
  CHECK(it.row("iot-001").online);
  CHECK_FALSE(it.row("iot-001").readings_unusable);
  CHECK(it.store.of_kind("device.online").size() == 1);
  it.clock.advance(seconds(60));
  it.tick();
  CHECK(it.row("iot-001").state == fleet::DeviceState::kOffline);
  CHECK(it.store.of_kind("device.offline").size() == 1);
}

TEST_CASE("a device that was connected with useless readings and falls silent is offline, once",
          "[fleet][reach]") {
  SmallFleet it;
  it.enrol("iot-001");
  post_off(it, seconds(90), 30);
  for (int i = 0; i < 60; ++i) {
    it.clock.advance(seconds(1));
    it.tick();
  }
  CHECK(it.row("iot-001").state == fleet::DeviceState::kOffline);
  CHECK_FALSE(it.row("iot-001").readings_unusable);
  CHECK(it.store.of_kind("device.offline").size() == 1);
}

TEST_CASE("what a link held back is no clock that is off", "[fleet][reach]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  it.clock.advance(std::chrono::minutes(30));
  it.tick();
  post_off(it, -milliseconds(std::chrono::minutes(20)), 2);
  it.run("iot-001", 12, 5);
  CHECK(it.store.of_kind("device.clock-off").empty());
}

TEST_CASE("a clock that is off and cured by its agent is said, and the readings count",
          "[fleet][reach]") {
  SmallFleet it;
  it.enrol("iot-001");
  auto said = status_of({1, 1});
  said.clock_off = seconds(90);
  REQUIRE(tell(it, said));
  said.clock_off = seconds(95);
  REQUIRE(tell(it, said));
  it.run("iot-001", 12, 5);
  CHECK(it.row("iot-001").online);
  CHECK(it.row("iot-001").clock_off == seconds(95));
  CHECK(it.store.of_kind("device.clock-off").size() == 1);
  said.clock_off.reset();
  REQUIRE(tell(it, said));
  it.tick();
  CHECK_FALSE(it.row("iot-001").clock_off);
  CHECK(it.store.of_kind("device.clock-right").size() == 1);
}

TEST_CASE(
    "one identity in two places is noticed within seconds, named with both addresses, and kept "
    "until it is acknowledged",
    "[fleet][identity]") {
  SmallFleet it;
  it.enrol("iot-001");
  two_speak(it, 10);
  const auto events = it.store.of_kind("device.in-two-places");
  REQUIRE(events.size() == 1);
  CHECK(events[0].severity == model::Severity::kError);
  CHECK(events[0].message.find("10.0.0.4") != std::string::npos);
  CHECK(events[0].message.find("10.0.0.9") != std::string::npos);
  CHECK(it.row("iot-001").in_two_places());
  it.start();  // a restart of the server forgets it not
  CHECK(it.row("iot-001").in_two_places());

  REQUIRE(
      it.wait([&](fleet::Done done) { it.fleet->acknowledge("iot-001", "operator:me", done); }));
  CHECK_FALSE(it.row("iot-001").in_two_places());
  it.run("iot-001", 12, 60);
  CHECK_FALSE(it.row("iot-001").in_two_places());
  // A word too early: the two are found again.
  two_speak(it, 10);
  CHECK(it.row("iot-001").in_two_places());
}

TEST_CASE("two that only poll, or only tell their status, are found as well", "[fleet][identity]") {
  const bool polls = GENERATE(true, false);
  SmallFleet it;
  it.enrol("iot-001");
  for (int i = 0; i < 20; ++i) {
    const model::BootId boot{2, static_cast<std::uint64_t>(i % 2)};
    it.clock.advance(seconds(3));
    if (polls) it.fleet->polled("iot-001", boot, "10.0.0.4");
    if (!polls) REQUIRE(tell(it, status_of(boot)));
  }
  it.tick();
  CHECK(it.row("iot-001").in_two_places());
}

TEST_CASE(
    "copies of a running machine are found by their numbers, a batch that is sent again is "
    "not one",
    "[fleet][identity]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 20);
  auto again = it.sample("iot-001", 12);
  REQUIRE(it.send("iot-001", again).accepted == 1);
  for (int i = 0; i < 10; ++i) {
    it.clock.advance(seconds(1));
    CHECK(it.send("iot-001", again).accepted == 0);
  }
  CHECK_FALSE(it.row("iot-001").in_two_places());
  // The copy was made ten samples ago, and goes on from there.
  for (std::uint64_t seq = again.seq - 10; seq < again.seq - 5; ++seq) {
    it.clock.advance(seconds(1));
    auto sample = it.sample("iot-001", 12);
    sample.seq = seq;
    CHECK(it.send("iot-001", sample).accepted == 0);
  }
  it.tick();
  CHECK(it.row("iot-001").in_two_places());
}

TEST_CASE("the end of a certificate is said when it nears and when it is there, once each",
          "[fleet][certificate]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.clock.advance(std::chrono::days(75));
  it.tick();
  CHECK(it.store.of_kind("enrol.expiring").empty());
  it.clock.advance(std::chrono::days(3));
  for (int i = 0; i < 5; ++i)
    it.tick();
  it.start();
  it.tick();
  const auto nears = it.store.of_kind("enrol.expiring");
  REQUIRE(nears.size() == 1);
  CHECK(nears[0].severity == model::Severity::kWarning);
  CHECK(nears[0].message.find("cert ends in 12 days") != std::string::npos);
  CHECK(it.fleet->snapshot()->counts.certificates_ending == 1);
  it.clock.advance(std::chrono::days(13));
  it.tick();
  const auto ended = it.store.of_kind("enrol.expired");
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].source == "iot-001");
  CHECK(ended[0].message.find("otactl renew iot-001") != std::string::npos);
  CHECK(it.fleet->snapshot()->counts.certificates_ending == 0);
  CHECK(it.fleet->snapshot()->counts.certificates_ended == 1);
}

TEST_CASE(
    "a certificate that ended is heard for its renewal on an operator's word alone, which is "
    "used up by it",
    "[fleet][certificate]") {
  SmallFleet it;
  it.enrol("iot-001");
  const auto call = [&](const std::string& serial) {
    const auto answer = it.fleet->admit_ended("iot-001", serial, "10.0.0.4");
    REQUIRE(it.store.flush());
    return answer;
  };
  const auto allow = [&](const std::string& id) {
    return it.wait([&](fleet::Done done) {
      it.fleet->allow_renewal(id, it.clock.wall() + std::chrono::days(7), "operator:me", done);
    });
  };
  it.clock.advance(std::chrono::days(91));
  it.tick();
  CHECK(refusal(call("serial-iot-001")).find("cert expired") == 0);
  CHECK(refusal(call("serial-iot-001")).find("otactl renew iot-001") != std::string::npos);
  const auto told = it.store.of_kind("auth.expired");
  REQUIRE(told.size() == 1);  // it calls over and over
  CHECK(told[0].source == "iot-001");
  CHECK(told[0].message.find("10.0.0.4") != std::string::npos);

  CHECK(allow("iot-009").error().code == Errc::kNotFound);
  CHECK(allow("iot-002").error().code == Errc::kDenied);  // never enrolled
  REQUIRE(allow("iot-001"));
  it.start();  // the word is durable
  CHECK(refusal(call("another")) == "another certificate");
  CHECK(call("serial-iot-001"));
  it.clock.advance(std::chrono::days(8));
  CHECK_FALSE(call("serial-iot-001"));
  REQUIRE(allow("iot-001"));
  REQUIRE(it.wait([&](fleet::Done done) {
    it.fleet->renewed("iot-001", "serial-iot-001", "serial-new",
                      it.clock.wall() + std::chrono::days(90), done);
  }));
  CHECK(call("serial-iot-001"));  // its way to the device may fail
  CHECK(it.fleet->admit("iot-001", "serial-new"));
  it.tick();
  CHECK_FALSE(call("serial-iot-001"));
  CHECK(it.row("iot-001").record->end_told == model::EndTold::kNothing);
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->revoke("iot-001", "operator:me", done); }));
  CHECK(allow("iot-001").error().code == Errc::kDenied);
}

TEST_CASE("agents of this host renew a certificate that ended without a word",
          "[fleet][certificate]") {
  model::Settings settings = SmallFleet::default_settings();
  settings.console.agents = {{"iot-001", "agents/iot-001"}};
  SmallFleet it(settings);
  it.enrol("iot-001");
  it.clock.advance(std::chrono::days(91));
  it.tick();
  CHECK(it.fleet->admit_ended("iot-001", "serial-iot-001", "127.0.0.1"));
  CHECK(it.store.of_kind("auth.expired").empty());
}

TEST_CASE("one key is one device's: under a second name it is refused, also one that was given up",
          "[fleet][identity]") {
  SmallFleet it;
  const auto redeem = [&](const std::string& device, const std::string& key) {
    static int number = 0;
    const std::string hash = std::to_string(++number);
    REQUIRE(it.wait([&](fleet::Done done) {
      it.fleet->open_enrolment(device, hash, it.clock.wall() + std::chrono::hours(1), "operator:me",
                               done);
    }));
    auto admitted = it.fleet->redeem_token(hash, key, "10.0.0.9");
    if (admitted) {
      REQUIRE(it.wait([&](fleet::Done done) {
        it.fleet->enrolled(*admitted, "serial-" + key, key, it.clock.wall() + std::chrono::days(90),
                           done);
      }));
    }
    REQUIRE(it.store.flush());
    return admitted;
  };
  REQUIRE(redeem("iot-001", "key-1").has_value());
  const auto copied = redeem("iot-002", "key-1");
  REQUIRE_FALSE(copied.has_value());
  CHECK(copied.error().code == Errc::kDenied);
  const auto events = it.store.of_kind("enrol.key-taken");
  REQUIRE(events.size() == 1);
  CHECK(events[0].source == "iot-002");
  CHECK(events[0].data.at("holder") == "iot-001");
  CHECK(events[0].data.at("address") == "10.0.0.9");

  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->revoke("iot-001", "operator:me", done); }));
  REQUIRE(redeem("iot-001", "key-2").has_value());
  it.start();
  CHECK_FALSE(redeem("iot-002", "key-1").has_value());  // held once
  CHECK_FALSE(redeem("iot-002", "key-2").has_value());
  CHECK(redeem("iot-002", "key-3").has_value());
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->revoke("iot-001", "operator:me", done); }));
  CHECK(redeem("iot-001", "key-1").has_value());  // its own
}

TEST_CASE(
    "after a jump of the server's clock no device is called silent, or sick for longer than it "
    "was",
    "[fleet][clock]") {
  const bool ahead = GENERATE(true, false);
  const bool sample_first = GENERATE(true, false);  // or the tick that notices the jump
  SmallFleet it;
  it.enrol("iot-001");
  it.enrol("iot-002");
  for (int i = 0; i < 60; ++i) {
    it.clock.advance(seconds(1));
    it.send("iot-001", it.sample("iot-001", 99));
    it.send("iot-002", it.sample("iot-002", it.quiet_cpu()));
    it.tick();
  }
  REQUIRE(it.row("iot-001").level == model::Level::kCritical);
  REQUIRE(it.row("iot-002").level == model::Level::kStable);
  it.clock.set_wall(it.clock.wall() + (ahead ? 1 : -1) * std::chrono::days(75));
  for (int i = 0; i < 60; ++i) {
    it.clock.advance(seconds(1));
    if (!sample_first) it.tick();
    it.send("iot-001", it.sample("iot-001", 99));
    it.send("iot-002", it.sample("iot-002", it.quiet_cpu()));
    it.tick();
    CHECK(it.row("iot-001").online);
    CHECK(it.row("iot-002").level != model::Level::kUnknown);
    const auto& sick = it.row("iot-001");
    CHECK(it.clock.wall() - sick.level_since <= std::chrono::minutes(2));
    CHECK(it.clock.wall() >= sick.level_since);
  }
  CHECK(it.store.of_kind("device.offline").empty());
  CHECK(it.store.of_kind("verdict.unknown").empty());
  CHECK(it.store.of_kind("verdict.block-escalated").empty());

  // Who is silent is found out all the same; who stays critical is told of, with the true span.
  it.clock.advance(seconds(60));
  it.tick();
  CHECK_FALSE(it.row("iot-002").online);
  CHECK(it.store.of_kind("device.offline").size() == 2);
}

TEST_CASE("how long a device has been critical is measured by the clock that nobody sets",
          "[fleet][clock]") {
  SmallFleet it;
  it.enrol("iot-001");
  const auto sick = [&](int for_seconds) {
    for (int i = 0; i < for_seconds; ++i) {
      it.clock.advance(seconds(1));
      it.send("iot-001", it.sample("iot-001", 99));
      it.tick();
    }
  };
  sick(60);
  REQUIRE(it.row("iot-001").level == model::Level::kCritical);
  it.clock.set_wall(it.clock.wall() + std::chrono::days(75));
  const auto after = SmallFleet::default_settings().thresholds.block_escalate_after;
  sick(static_cast<int>(after / seconds(1)) + 1);
  const auto told = it.store.of_kind("verdict.block-escalated");
  REQUIRE(told.size() == 1);
  CHECK(told[0].message.find("75d") == std::string::npos);
}
