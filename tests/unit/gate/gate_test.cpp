#include "gate/gate.h"

#include <map>
#include <random>
#include <set>

#include "base/file.h"
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
  auto& signal = input.verdict.signals.emplace_back();
  signal.level = Level::kCritical;
  signal.text = "CPU 97 % (limit 90 %) for 40 s";
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

TEST_CASE("a device that is connected is not called silent: the remedy is the true one", "[gate]") {
  auto input = good();
  input.online = false;
  input.unusable = gate::Unusable{true, -std::chrono::minutes(11)};
  CHECK(headline(input) == "BLOCKED: Clock Off");
  CHECK(outcome(gate::evaluate(input), "online").remedy == "set the clock of iot-001");
  input.unusable->clock_off = false;
  CHECK(headline(input) == "BLOCKED: Readings Refused");
}

TEST_CASE("an identity in two places gets no update until an operator has seen to it", "[gate]") {
  auto input = good();
  input.record->in_two_places = true;
  CHECK(headline(input) == "BLOCKED: Identity In Two Places");
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

TEST_CASE("a device whose data budget is used waits, and is told until when", "[gate]") {
  constexpr std::uint64_t kMiB = 1U << 20;
  auto input = good();
  input.data =
      gate::DataSide{100 * kMiB, 64 * kMiB, 40 * kMiB, input.now + seconds(3 * 3600 + 240)};
  const auto decision = gate::evaluate(input);
  CHECK(decision.headline == "BLOCKED: Data Budget Used");
  const auto& found = outcome(decision, "data-budget");
  CHECK(found.observed ==
        "64.0 MiB of 100.0 MiB fetched in the last 24 hours, 40.0 MiB to come; used until "
        "2027-01-15T11:04:00Z, for 3h04");
  CHECK(found.remedy == "push at or after 2027-01-15T11:04:00Z");

  input.data->planned = 36 * kMiB;  // to the byte
  const auto within = gate::evaluate(input);
  CHECK(within.answer == Answer::kAllow);
  CHECK(outcome(within, "data-budget").observed ==
        "64.0 MiB of 100.0 MiB fetched in the last 24 hours, 36.0 MiB to come");
  ++input.data->planned;
  CHECK(headline(input) == "BLOCKED: Data Budget Used");

  input.data = gate::DataSide{100 * kMiB, 0, 101 * kMiB, std::nullopt};
  const auto never = gate::evaluate(input);
  CHECK(never.headline == "BLOCKED: Data Budget Used");
  CHECK(outcome(never, "data-budget").observed ==
        "0 B of 100.0 MiB fetched in the last 24 hours, 101.0 MiB to come, which is more than a "
        "day's");
  CHECK(outcome(never, "data-budget").remedy ==
        "raise data_budget in config/ota_settings.json, or make a patch: otactl firmware patches");
}

TEST_CASE("a used data budget yields to a security release with a reason, and to no other",
          "[gate]") {
  auto input = good();
  input.data = gate::DataSide{100, 90, 11, input.now + seconds(60)};
  input.override_reason = "exploited in the field";
  CHECK(headline(input) == "BLOCKED: Data Budget Used");  // a functional release
  input.release.release_class = ReleaseClass::kSecurity;
  const auto decision = gate::evaluate(input);
  CHECK(decision.answer == Answer::kAllow);
  CHECK(outcome(decision, "data-budget").result == CheckResult::kOverridden);
  CHECK(outcome(decision, "data-budget").remedy == "overridden: exploited in the field");
  input.override_reason.clear();
  CHECK(headline(input) == "BLOCKED: Data Budget Used");
  // And a device without a budget is not told of one.
  input.data.reset();
  CHECK(gate::evaluate(input).answer == Answer::kAllow);
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

TEST_CASE("while updates are stopped none starts, whatever the reason to hurry", "[gate]") {
  auto input = good();
  input.stop = model::Stop{input.now - seconds(60), "operator:ada", "2.1.5 drains batteries"};
  input.override_reason = "exploited in the field";
  input.release.release_class = ReleaseClass::kSecurity;
  const auto decision = gate::evaluate(input);
  CHECK(decision.headline == "BLOCKED: Updates Stopped");
  const auto& found = outcome(decision, "not-stopped");
  CHECK(found.observed ==
        "stopped by operator:ada at 2027-01-15T07:59:00Z: 2.1.5 drains batteries");
  CHECK(found.remedy.starts_with("otactl resume"));
  // What is amiss with the device itself is said first, and one that is up to date needs none.
  input.online = false;
  CHECK(headline(input) == "BLOCKED: Device Offline");
  input.online = true;
  input.release.version = Version(2, 1, 4);
  input.release.sha256 = kOld;
  CHECK(headline(input) == "SKIPPED: Device already on v2.1.4");
}

TEST_CASE("each check has a unique name and a sentence of help", "[gate]") {
  std::set<std::string_view> names;
  for (const auto& info : gate::kCheckInfos) {
    CHECK(names.insert(info.word).second);
    CHECK(info.help.back() == '.');
  }
}

TEST_CASE("each reason to refuse has a headline, and a word that fits the summary's column",
          "[gate]") {
  std::map<std::string_view, std::string_view> headline_of;
  for (const auto& info : gate::kReasonInfos) {
    const bool blocks = info.result == CheckResult::kBlock;
    CHECK(info.headline.empty() != blocks);
    const bool heads =
        blocks || info.result == CheckResult::kSkip || info.reason == gate::Reason::kAllowed;
    CHECK(info.column.empty() != heads);
    CHECK(info.column.size() <= 13);
    if (!heads) continue;
    // A word of the column stands for one headline.
    CHECK(headline_of.emplace(info.column, info.headline).first->second == info.headline);
  }
}

TEST_CASE(
    "an image that is not the published one of its version is not trusted, whoever reported "
    "it first",
    "[gate]") {
  auto input = good();
  input.record->trusted.push_back(*input.record->facts.confirmed);
  input.confirmed_published_sha256 = std::string(64, 'c');
  CHECK(headline(input) == "BLOCKED: Untrusted Image");
  CHECK(outcome(gate::evaluate(input), "trusted-image").observed ==
        "v2.1.4 (sha256 aaaaaaaaaaaa), published sha256 cccccccccccc");
  // As well where the image came over DDI from here, before another was published.
  input.ddi = gate::DdiSide{.has_agent = true, .polls = true, .silent_for = seconds(1)};
  CHECK(headline(input) == "BLOCKED: Untrusted Image");
  input.confirmed_published_sha256 = kOld;
  CHECK(gate::evaluate(input).answer == Answer::kAllow);
}

TEST_CASE("the same version with another digest is not what the device has already", "[gate]") {
  auto input = good();
  input.release.version = Version(2, 1, 4);
  input.confirmed_published_sha256.reset();
  input.record->trusted.push_back(*input.record->facts.confirmed);
  const auto decision = gate::evaluate(input);
  CHECK(decision.headline == "BLOCKED: Other Image Of This Version");
  CHECK(outcome(decision, "version").observed ==
        "confirmed v2.1.4 (sha256 aaaaaaaaaaaa), asked for v2.1.4 (sha256 bbbbbbbbbbbb)");
  input.release.sha256 = kOld;
  CHECK(gate::evaluate(input).answer == Answer::kSkip);
}

TEST_CASE("what is only near a limit is no reason of a critical verdict", "[gate]") {
  auto input = sick();
  auto& near = input.verdict.signals.emplace_back();
  near.level = Level::kWatch;
  near.text = "memory 86 % (limit 90 %) for 40 s";
  CHECK(outcome(gate::evaluate(input), "verdict").observed ==
        "critical, risk 91: CPU 97 % (limit 90 %) for 40 s");
  input.verdict.signals.erase(input.verdict.signals.begin());
  input.verdict.level = Level::kWatch;
  CHECK(outcome(gate::evaluate(input), "verdict").observed ==
        "watch, risk 91: memory 86 % (limit 90 %) for 40 s");
}

TEST_CASE("a state that is not saved is told beside every other reason", "[gate]") {
  auto input = good();
  input.unsaved = "no space left on device";
  CHECK(headline(input) == "BLOCKED: State Not Saved");
  input.record->revoked = true;
  const auto decision = gate::evaluate(input);
  CHECK(decision.headline == "BLOCKED: Device Revoked");
  CHECK(outcome(decision, "state-saved").observed == "no space left on device");
  // A decision that allowed and could not be written reads the same afterwards.
  input.record->revoked = false;
  const auto at_once = gate::evaluate(input);
  input.unsaved.reset();
  const auto afterwards = gate::refuse_unsaved(gate::evaluate(input), "no space left on device");
  CHECK(afterwards.headline == at_once.headline);
  CHECK(outcome(afterwards, "state-saved").remedy == outcome(at_once, "state-saved").remedy);
}

namespace {

// Any state of a device and of what is asked, without regard to how likely it is.
gate::Input any_input(std::mt19937& random) {
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  const auto digest = [&] { return one_in(12) ? std::string() : one_in(3) ? kNew : kOld; };
  const auto version = [&] { return Version(2, 1, 3 + static_cast<std::uint32_t>(random() % 3)); };
  auto input = good();
  if (one_in(8)) input.spec.reset();
  if (one_in(10)) input.record.reset();
  if (input.record) {
    input.record->enrolled = !one_in(8);
    input.record->revoked = one_in(10);
    input.record->second_key_seen = one_in(5);
    input.record->in_two_places = one_in(10);
    if (one_in(8)) input.record->certificate_expires = input.now - seconds(random() % 3);
    if (one_in(8)) input.record->hardware = "rpi4";
    if (one_in(3)) input.record->facts.confirmed = model::Image{version(), digest()};
    if (!one_in(6)) input.record->facts.booted = input.record->facts.confirmed;
    if (one_in(8)) input.record->facts.confirmed.reset();
    if (one_in(3)) input.record->trusted.push_back({version(), digest()});
    if (one_in(3)) input.record->rejected[kNew] = "health check failed";
  }
  input.online = !one_in(5);
  input.silent_for = milliseconds(static_cast<int>(random() % 20000) - 1);
  if (one_in(3)) input.unusable = gate::Unusable{one_in(2), seconds(90)};
  if (one_in(3)) input.verdict.level = static_cast<Level>(random() % 4);
  if (one_in(2)) input.verdict.label = model::kIncompleteTelemetry;
  if (one_in(3)) input.release.version = version();
  input.release.sha256 = digest();
  input.release.release_class = static_cast<ReleaseClass>(random() % 3);
  if (one_in(8)) input.release.hardware = {"rpi4"};
  if (one_in(8)) input.release_published = false;
  if (one_in(20)) input.release = {}, input.release_published = false;
  if (one_in(2)) input.confirmed_published_sha256.reset();
  if (one_in(10)) input.running_job.emplace().id = "job-000001";
  if (one_in(3)) input.override_reason = "reason";
  input.again = one_in(3);
  if (one_in(10)) input.unsaved = "disk full";
  if (one_in(10)) input.stop.emplace();
  if (one_in(3)) input.window = model::WindowState{!one_in(3), "nights", input.now + seconds(600)};
  if (one_in(3)) {
    input.data = gate::DataSide{100, random() % 150, random() % 150, std::nullopt};
    if (one_in(2)) input.data->fits_at = input.now + seconds(600);
  }
  if (one_in(4)) {
    input.ddi = gate::DdiSide{.agent_asks = one_in(8), .has_agent = one_in(2), .polls = !one_in(3)};
    if (one_in(2)) input.ddi->policy = model::DdiWithoutTelemetry::kAllow;
  }
  return input;
}

}  // namespace

TEST_CASE("the reason alone and the decision in words say the same, whatever the input", "[gate]") {
  std::mt19937 random(20261130);
  std::set<gate::Reason> met;
  for (int round = 0; round < 10'000; ++round) {
    const auto input = any_input(random);
    const auto reason = gate::deciding_reason(gate::question_of(input));
    const auto decision = gate::preview(input);
    met.insert(reason);
    REQUIRE(decision.answer == gate::answer_of(reason));
    if (decision.answer == Answer::kBlock) {
      REQUIRE(gate::headline_reason(decision) == gate::info_of(reason).headline);
    }
    for (const auto& check : gate::checks()) {
      const auto found = gate::judge(check.name, input);
      REQUIRE(gate::info_of(found).check == check.name);
      met.insert(found);
      // Whatever a rule finds can be said.
      REQUIRE_FALSE(check.words(input, found).observed.empty());
    }
  }
  // And there is no reason that nothing leads to.
  for (const auto& info : gate::kReasonInfos) {
    INFO("reason " << static_cast<int>(info.reason));
    CHECK(met.contains(info.reason));
  }
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
    if (coin(8)) input.stop.emplace();
    if (coin(3)) input.data = gate::DataSide{100, random() % 150, random() % 150, std::nullopt};
    input.release.release_class = static_cast<ReleaseClass>(random() % 3);
    const auto decision = gate::evaluate(input);
    const auto again = gate::evaluate(input);
    REQUIRE(decision.headline == again.headline);
    // A stop, a window, a data budget and an unsaved state are told of where there is one.
    REQUIRE(decision.checks.size() == gate::kCheckCount - 1 - (input.window ? 0 : 1) -
                                          (input.stop ? 0 : 1) - (input.data ? 0 : 1));
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
    REQUIRE_FALSE(input.stop);
    REQUIRE((input.again || input.record->rejected.empty()));
    const bool shut = input.window && !input.window->open;
    const bool over = input.data && input.data->used + input.data->planned > input.data->limit;
    if (input.verdict.level != Level::kStable || shut || over) {
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
