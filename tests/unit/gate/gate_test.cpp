#include "gate/gate.h"

#include <random>
#include <set>

#include "tests/support/catch.h"

using namespace ota;
using model::Answer;
using model::CheckResult;
using model::Level;
using model::ReleaseClass;
using model::Version;

namespace {

const std::string kOld(64, 'a');
const std::string kNew(64, 'b');

// A healthy device on v2.1.4 and a functional release v2.1.5 for it: allowed.
gate::Input good() {
  gate::Input input;
  input.now = WallTime(seconds(1'800'000'000));
  input.device = "iot-001";
  input.spec = model::DeviceSpec{"iot-001", "sim-a", "default", ""};
  model::DeviceRecord record;
  record.id = "iot-001";
  record.enrolled = true;
  record.certificate_expires = input.now + seconds(3600);
  record.facts.confirmed = model::Image{Version(2, 1, 4), kOld};
  record.facts.booted = record.facts.confirmed;
  input.record = record;
  input.online = true;
  input.silent_for = milliseconds(800);
  input.verdict.level = Level::kStable;
  input.verdict.label = "Stable";
  input.release.version = Version(2, 1, 5);
  input.release.hardware = {"sim-a"};
  input.release.sha256 = kNew;
  input.confirmed_published_sha256 = kOld;
  return input;
}

gate::Input sick() {
  gate::Input input = good();
  input.verdict.level = Level::kCritical;
  input.verdict.risk = 91;
  input.verdict.label = "High Load";
  input.verdict.would_clear = "bring CPU below 85 % for 10 s";
  input.verdict.signals.emplace_back().text = "CPU 97 % (limit 90 %) for 40 s";
  return input;
}

const model::CheckOutcome& outcome(const model::Decision& decision, std::string_view check) {
  for (const auto& found : decision.checks) {
    if (found.check == check) return found;
  }
  throw std::out_of_range(std::string(check));
}

std::string headline(const gate::Input& input) {
  return gate::evaluate(input).headline;
}

}  // namespace

TEST_CASE("a known, trusted, stable device gets a newer release", "[gate]") {
  const auto decision = gate::evaluate(good());
  CHECK(decision.answer == Answer::kAllow);
  CHECK(decision.headline == "SUCCESS: Update to v2.1.5 initiated");
  CHECK(decision.sha256 == kNew);
  CHECK(decision.at == good().now);
  for (const auto& found : decision.checks) {
    CHECK(found.result == CheckResult::kPass);
    CHECK_FALSE(found.observed.empty());
    CHECK(found.remedy.empty());
  }
}

TEST_CASE("a sick device is refused with the numbers and what would clear them", "[gate]") {
  const auto decision = gate::evaluate(sick());
  CHECK(decision.answer == Answer::kBlock);
  CHECK(decision.headline == "BLOCKED: Anomaly Detected");
  CHECK(decision.risk == "High Load");
  const auto& found = outcome(decision, "verdict");
  CHECK(found.observed == "critical, risk 91: CPU 97 % (limit 90 %) for 40 s");
  CHECK(found.remedy == "bring CPU below 85 % for 10 s");
}

TEST_CASE("a device on watch is refused like a critical one", "[gate]") {
  auto input = sick();
  input.verdict.level = Level::kWatch;
  CHECK(headline(input) == "BLOCKED: Anomaly Detected");
}

TEST_CASE("a stale verdict never lets an update start", "[gate]") {
  auto input = good();
  input.verdict = {};
  const auto decision = gate::evaluate(input);
  CHECK(decision.answer == Answer::kBlock);
  CHECK(decision.headline == "BLOCKED: No Recent Telemetry");
  CHECK(decision.risk.empty());
}

TEST_CASE("telemetry that comes but lacks readings is named as that", "[gate]") {
  auto input = good();
  input.verdict = {};
  input.verdict.label = model::kIncompleteTelemetry;
  const auto decision = gate::evaluate(input);
  CHECK(decision.answer == Answer::kBlock);
  CHECK(decision.headline == "BLOCKED: Incomplete Telemetry");
}

TEST_CASE("a device that has the version is skipped, also where it is sick or silent", "[gate]") {
  auto input = sick();
  input.release.version = Version(2, 1, 4);
  input.release.sha256 = kOld;
  input.online = false;
  const auto decision = gate::evaluate(input);
  CHECK(decision.answer == Answer::kSkip);
  CHECK(decision.headline == "SKIPPED: Device already on v2.1.4");
  CHECK(outcome(decision, "verdict").result == CheckResult::kBlock);
}

TEST_CASE("an untrusted image is never hidden by a skip", "[gate]") {
  auto input = good();
  input.release.version = Version(2, 1, 4);
  input.confirmed_published_sha256 = std::string(64, 'c');
  CHECK(headline(input) == "BLOCKED: Untrusted Image");
}

TEST_CASE("an older release is a downgrade, with the way back named", "[gate]") {
  auto input = good();
  input.release.version = Version(2, 1, 3);
  const auto decision = gate::evaluate(input);
  CHECK(decision.headline == "BLOCKED: Downgrade Refused");
  CHECK(outcome(decision, "version").remedy.find("rollback") != std::string::npos);
}

TEST_CASE("each fault alone has its headline", "[gate]") {
  const auto with = [](auto change) {
    auto input = good();
    change(input);
    return headline(input);
  };
  CHECK(with([](auto& in) { in.spec.reset(); }) == "BLOCKED: Unknown Device");
  CHECK(with([](auto& in) { in.record.reset(); }) == "BLOCKED: Not Enrolled");
  CHECK(with([](auto& in) { in.record->enrolled = false; }) == "BLOCKED: Not Enrolled");
  CHECK(with([](auto& in) { in.record->revoked = true; }) == "BLOCKED: Device Revoked");
  CHECK(with([](auto& in) { in.record->certificate_expires = in.now; }) ==
        "BLOCKED: Certificate Expired");
  CHECK(with([](auto& in) { in.online = false; }) == "BLOCKED: Device Offline");
  CHECK(with([](auto& in) { in.record->facts.confirmed.reset(); }) == "BLOCKED: Untrusted Image");
  CHECK(with([](auto& in) { in.record->facts.booted->sha256 = kNew; }) ==
        "BLOCKED: Untrusted Image");
  CHECK(with([](auto& in) { in.release_published = false; }) == "BLOCKED: Release Not Published");
  CHECK(with([](auto& in) { in.release.hardware = {"rpi4"}; }) == "BLOCKED: Wrong Hardware");
  CHECK(with([](auto& in) { in.record->hardware = "rpi4"; }) == "BLOCKED: Wrong Hardware");
  CHECK(with([](auto& in) { in.running_job = model::Job{}; }) == "BLOCKED: Update Already Running");
  CHECK(with([](auto& in) { in.record->rejected[kNew] = "health check failed"; }) ==
        "BLOCKED: Release Rejected Before");
}

TEST_CASE("a second key is a warning, not a refusal of the rightful device", "[gate]") {
  auto input = good();
  input.record->second_key_seen = true;
  const auto decision = gate::evaluate(input);
  CHECK(decision.answer == Answer::kAllow);
  CHECK(outcome(decision, "enrolled").result == CheckResult::kWarn);
}

TEST_CASE("a factory image that is not published is trusted once it is known for the device",
          "[gate]") {
  auto input = good();
  input.confirmed_published_sha256.reset();
  CHECK(headline(input) == "BLOCKED: Untrusted Image");
  input.record->trusted.push_back(*input.record->facts.confirmed);
  CHECK(gate::evaluate(input).answer == Answer::kAllow);
  input.record->trusted.front().sha256 = kNew;
  CHECK(headline(input) == "BLOCKED: Untrusted Image");
}

TEST_CASE("an explicit word offers a rejected release again", "[gate]") {
  auto input = good();
  input.record->rejected[kNew] = "health check failed";
  input.again = true;
  const auto decision = gate::evaluate(input);
  CHECK(decision.answer == Answer::kAllow);
  CHECK(outcome(decision, "not-rejected").result == CheckResult::kWarn);
}

TEST_CASE("an override opens the verdict alone, and never for a functional release", "[gate]") {
  auto input = sick();
  input.override_reason = "closes the hole that loads it";
  CHECK(headline(input) == "BLOCKED: Anomaly Detected");  // functional
  for (const auto release_class : {ReleaseClass::kSecurity, ReleaseClass::kRemediation}) {
    input.release.release_class = release_class;
    const auto decision = gate::evaluate(input);
    CHECK(decision.answer == Answer::kAllow);
    CHECK(outcome(decision, "verdict").result == CheckResult::kOverridden);
    CHECK(decision.override_reason == "closes the hole that loads it");
  }
  input.override_reason.clear();
  CHECK(headline(input) == "BLOCKED: Anomaly Detected");
}

TEST_CASE("outside its maintenance window a device waits, and is told until when", "[gate]") {
  auto input = good();
  input.window = model::WindowState{false, "nights", input.now + seconds(3 * 3600 + 240)};
  const auto decision = gate::evaluate(input);
  CHECK(decision.headline == "BLOCKED: Maintenance Window Closed");
  const auto& found = outcome(decision, "window");
  CHECK(found.observed == "closed; nights opens 2027-01-15T11:04:00Z, in 3h04");
  CHECK(found.remedy == "push at or after 2027-01-15T11:04:00Z");

  input.window->open = true;
  const auto open = gate::evaluate(input);
  CHECK(open.answer == Answer::kAllow);
  CHECK(outcome(open, "window").observed == "nights is open until 2027-01-15T11:04:00Z");
}

TEST_CASE("a closed window yields to a reason to hurry, and never hides another refusal",
          "[gate]") {
  auto input = sick();
  input.window = model::WindowState{false, "nights", input.now + seconds(60)};
  CHECK(headline(input) == "BLOCKED: Anomaly Detected");
  input = good();
  input.window = model::WindowState{false, "nights", input.now + seconds(60)};
  input.override_reason = "exploited in the field";
  CHECK(headline(input) == "BLOCKED: Maintenance Window Closed");  // a functional release
  input.release.release_class = ReleaseClass::kSecurity;
  const auto decision = gate::evaluate(input);
  CHECK(decision.answer == Answer::kAllow);
  CHECK(outcome(decision, "window").result == CheckResult::kOverridden);
  input.release.version = Version(2, 1, 4);
  input.release.sha256 = kOld;
  input.override_reason.clear();
  CHECK(headline(input) == "SKIPPED: Device already on v2.1.4");
}

TEST_CASE("each check has a unique name and a sentence of help", "[gate]") {
  std::set<std::string_view> names;
  for (const auto& check : gate::checks()) {
    CHECK(names.insert(check.name).second);
    CHECK(check.help.back() == '.');
  }
  CHECK(names.size() == 11);
}

TEST_CASE("over random inputs the gate keeps its promises", "[gate]") {
  std::mt19937 random(20260820);
  const auto coin = [&](unsigned one_in) { return random() % one_in == 0; };
  int allowed = 0;
  for (int round = 0; round < 20000; ++round) {
    auto input = good();
    if (coin(8)) input.spec.reset();
    if (coin(8)) input.record->enrolled = false;
    if (coin(8)) input.record->revoked = true;
    if (coin(6)) input.online = false;
    if (coin(6)) input.verdict.level = static_cast<Level>(random() % 4);
    if (coin(6)) input.record->facts.confirmed->sha256 = kNew;
    if (coin(4))
      input.release.version = Version(2, 1, 3 + static_cast<std::uint32_t>(random() % 3));
    if (coin(8)) input.release.hardware = {"rpi4"};
    if (coin(8)) input.running_job = model::Job{};
    if (coin(8)) input.record->rejected[kNew] = "x";
    if (coin(8)) input.release_published = false;
    if (coin(3)) input.override_reason = "reason";
    if (coin(3)) input.again = true;
    if (coin(3)) input.window = model::WindowState{!coin(3), "nights", input.now + seconds(600)};
    input.release.release_class = static_cast<ReleaseClass>(random() % 3);
    const auto decision = gate::evaluate(input);
    const auto again = gate::evaluate(input);
    REQUIRE(decision.headline == again.headline);
    REQUIRE(decision.checks.size() == gate::checks().size() - (input.window ? 0 : 1));
    if (decision.answer != Answer::kAllow) continue;
    ++allowed;
    REQUIRE(input.spec);
    REQUIRE(input.record->enrolled);
    REQUIRE_FALSE(input.record->revoked);
    REQUIRE(input.online);
    REQUIRE(input.record->facts.confirmed->sha256 == *input.confirmed_published_sha256);
    REQUIRE(input.release.version > input.record->facts.confirmed->version);
    REQUIRE(input.release.fits("sim-a"));
    REQUIRE(input.release_published);
    REQUIRE_FALSE(input.running_job);
    REQUIRE((input.again || input.record->rejected.empty()));
    const bool shut = input.window && !input.window->open;
    if (input.verdict.level != Level::kStable || shut) {
      REQUIRE_FALSE(input.override_reason.empty());
      REQUIRE(input.release.release_class != ReleaseClass::kFunctional);
    }
    for (const auto& found : decision.checks)
      REQUIRE(found.result != CheckResult::kBlock);
  }
  CHECK(allowed > 500);
}

TEST_CASE("a DDI device without telemetry is blocked or let through as the policy says", "[gate]") {
  gate::Input input = good();
  input.online = false;
  input.silent_for = milliseconds(-1);
  input.verdict = {};
  input.record->facts.confirmed->sha256.clear();
  input.record->facts.booted = input.record->facts.confirmed;
  input.ddi = gate::DdiSide{.polls = true, .silent_for = seconds(12)};
  const model::Decision blocked = gate::evaluate(input);
  CHECK(blocked.headline == "BLOCKED: No Telemetry Over DDI");
  CHECK(std::any_of(blocked.checks.begin(), blocked.checks.end(), [](const auto& check) {
    return check.remedy.find("gate.ddi_without_telemetry") != std::string::npos;
  }));
  input.ddi->policy = model::DdiWithoutTelemetry::kAllow;
  const model::Decision allowed = gate::evaluate(input);
  CHECK(allowed.answer == Answer::kAllow);
  CHECK(std::any_of(allowed.checks.begin(), allowed.checks.end(), [](const auto& check) {
    return check.check == "verdict" && check.result == CheckResult::kWarn;
  }));
  input.ddi->polls = false;
  CHECK(gate::evaluate(input).headline == "BLOCKED: Device Offline");
}

TEST_CASE("a DDI device with an agent beside it is judged by its telemetry", "[gate]") {
  gate::Input input = sick();
  input.ddi = gate::DdiSide{.has_agent = true,
                            .polls = true,
                            .silent_for = seconds(1),
                            .policy = model::DdiWithoutTelemetry::kAllow};
  CHECK(gate::evaluate(input).headline == "BLOCKED: Anomaly Detected");
  input.verdict.level = Level::kStable;
  CHECK(gate::evaluate(input).answer == Answer::kAllow);
}

TEST_CASE("a DDI device is skipped, or kept from a downgrade, by the version that it says",
          "[gate]") {
  gate::Input input = good();
  input.record->facts.confirmed = model::Image{Version(2, 1, 5), ""};
  input.ddi = gate::DdiSide{.polls = true, .policy = model::DdiWithoutTelemetry::kAllow};
  CHECK(gate::evaluate(input).answer == Answer::kSkip);
  input.record->facts.confirmed = model::Image{Version(3, 0, 0), ""};
  CHECK(gate::evaluate(input).headline == "BLOCKED: Downgrade Refused");
  input.record->facts.confirmed.reset();
  CHECK(gate::evaluate(input).answer == Answer::kAllow);
}
