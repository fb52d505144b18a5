// A device that is updated over DDI, from its token to its confirmed update, without a socket.
#include "base/digest.h"
#include "fleet/ddi_machine.h"
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using fleet::DdiAdmission;
using fleet::DdiCredentials;
using fleet::DdiExecution;
using fleet::DdiFeedback;
using fleet::DdiFetch;
using fleet::DdiFinished;
using fleet::DdiOffer;
using model::JobState;

namespace {

const std::string kToken = sha256_hex("token");

class DdiFleet : public test::SmallFleet {
 public:
  explicit DdiFleet(model::DdiWithoutTelemetry policy = model::DdiWithoutTelemetry::kAllow)
      : SmallFleet(settings_of(policy)) {
    REQUIRE(wait([&](const fleet::Done& done) {
      fleet->ddi_set_token("iot-001", kToken, "operator:ann", done);
    }));
  }
  static model::Settings settings_of(model::DdiWithoutTelemetry policy) {
    model::Settings settings = default_settings();
    settings.ota.ddi_without_telemetry = policy;
    return settings;
  }
  static DdiCredentials credentials(const std::string& token_hash) {
    DdiCredentials out;
    out.kind = DdiCredentials::Kind::kTargetToken;
    out.token_hash = token_hash;
    out.client = "SWUpdate";
    out.address = "10.0.0.7";
    return out;
  }
  DdiOffer poll(const std::string& problem = "") {
    DdiOffer offer;
    bool answered = false;
    fleet->ddi_poll("iot-001", "SWUpdate", problem, [&](const Result<DdiOffer>& result) {
      REQUIRE(result.has_value());
      offer = *result;
      answered = true;
    });
    REQUIRE(store.flush());
    REQUIRE(answered);
    return offer;
  }
  std::string push() {
    fleet::PushRequest request;
    request.devices = {"iot-001"};
    request.version = model::Version(2, 1, 5);
    request.actor = "operator:ann";
    const fleet::PushOutcome outcome = SmallFleet::push(std::move(request));
    return outcome.job_id.empty() ? outcome.decision.headline : outcome.job_id;
  }
  Result<void> report(std::uint64_t action, DdiExecution execution, DdiFinished finished,
                      std::vector<std::string> details = {}) {
    return wait([&](const fleet::Done& done) {
      fleet->ddi_feedback("iot-001", action, {execution, finished, details}, done);
    });
  }
  void fetch(std::uint64_t action) {
    fleet->ddi_fetched("iot-001", action, {.kind = DdiFetch::Kind::kWhole, .prefix = 100});
    REQUIRE(store.flush());
  }
  void attributes(std::map<std::string, std::string> values) {
    REQUIRE(wait([&](const fleet::Done& done) {
      fleet->ddi_attributes("iot-001", {fleet::DdiAttributes::Mode::kMerge, values}, done);
    }));
  }
  JobState state(const std::string& job) const { return fleet->job(job)->state; }
};

}  // namespace

TEST_CASE("a DDI device is admitted by its own token and by nothing near it", "[ddi]") {
  DdiFleet rig;
  CHECK(rig.fleet->ddi_admit("iot-001", rig.credentials(kToken)).value() == DdiAdmission::kDevice);
  CHECK_FALSE(rig.fleet->ddi_admit("iot-001", rig.credentials(sha256_hex("other"))).has_value());
  CHECK_FALSE(rig.fleet->ddi_admit("iot-002", rig.credentials(kToken)).has_value());
  CHECK_FALSE(rig.fleet->ddi_admit("iot-002", rig.credentials("")).has_value());
  CHECK_FALSE(rig.fleet->ddi_admit("stranger", rig.credentials(kToken)).has_value());
  CHECK_FALSE(rig.fleet->ddi_admit("iot-001", {}).has_value());
  rig.start();  // the state alone is left
  CHECK(rig.fleet->ddi_admit("iot-001", rig.credentials(kToken)).value() == DdiAdmission::kDevice);
}

TEST_CASE("an update over DDI goes from its offer to the device's confirmation", "[ddi]") {
  DdiFleet rig;
  CHECK(rig.poll().wants_attributes);
  rig.attributes({{"hwRev", "1.0"}});
  CHECK_FALSE(rig.poll().wants_attributes);
  const std::string job = rig.push();
  REQUIRE(job == "job-000001");
  const DdiOffer offer = rig.poll();
  CHECK(offer.deployment == 1001U);
  CHECK(offer.active);
  CHECK(rig.state(job) == JobState::kSent);
  rig.fetch(1001);
  CHECK(rig.state(job) == JobState::kInstalling);
  REQUIRE(
      rig.report(1001, DdiExecution::kProceeding, DdiFinished::kNone, {"All Chunks Installed."}));
  CHECK(rig.state(job) == JobState::kConfirming);
  rig.start();
  CHECK(rig.poll().deployment == 1001U);
  REQUIRE(rig.report(1001, DdiExecution::kClosed, DdiFinished::kSuccess));
  CHECK(rig.state(job) == JobState::kSucceeded);
  CHECK(rig.poll().wants_attributes);
  CHECK(rig.fleet->detail("iot-001")->row.facts().confirmed->version == model::Version(2, 1, 5));
  CHECK(rig.fleet->detail("iot-001")->row.ddi_client() == "SWUpdate");
}

TEST_CASE("a reported version decides over a reported success", "[ddi]") {
  DdiFleet rig;
  rig.attributes({{"version", "2.1.4"}});
  const std::string job = rig.push();
  REQUIRE(rig.poll().deployment == 1001U);
  rig.fetch(1001);
  REQUIRE(rig.report(1001, DdiExecution::kClosed, DdiFinished::kSuccess));
  CHECK(rig.state(job) == JobState::kConfirming);
  CHECK(rig.poll().wants_attributes);
  rig.attributes({{"version", "2.1.4"}});
  CHECK_FALSE(rig.poll().wants_attributes);
  rig.clock.advance(seconds(301));  // asked again after a poll's interval, not at every poll
  CHECK(rig.poll().wants_attributes);
  rig.attributes({{"version", "2.1.5"}});
  CHECK(rig.state(job) == JobState::kSucceeded);
}

TEST_CASE("an update that cannot be served, or that the gate keeps back, is not offered", "[ddi]") {
  DdiFleet rig;
  rig.poll();
  const std::string job = rig.push();
  CHECK_FALSE(rig.poll("the stored bytes differ").deployment.has_value());
  CHECK(rig.fleet->job(job)->detail == "not offered: the stored bytes differ");
  model::Settings blocked = DdiFleet::settings_of(model::DdiWithoutTelemetry::kBlock);
  rig.fleet->apply_settings(std::make_shared<const model::Settings>(blocked));
  CHECK_FALSE(rig.poll().deployment.has_value());
  CHECK(rig.fleet->job(job)->detail == "not offered: BLOCKED: No Telemetry Over DDI");
  CHECK(rig.state(job) == JobState::kQueued);
  CHECK_FALSE(rig.report(1001, DdiExecution::kClosed, DdiFinished::kSuccess).has_value());
  blocked.ota.ddi_without_telemetry = model::DdiWithoutTelemetry::kAllow;
  rig.fleet->apply_settings(std::make_shared<const model::Settings>(blocked));
  CHECK(rig.poll().deployment == 1001U);
}

TEST_CASE("outside its maintenance window an update is kept back, and offered when it opens",
          "[ddi]") {
  DdiFleet rig;
  rig.poll();
  const std::string job = rig.push();
  model::Settings settings = DdiFleet::settings_of(model::DdiWithoutTelemetry::kAllow);
  const auto midnight = std::chrono::floor<std::chrono::days>(rig.clock.wall());
  const auto now = std::chrono::floor<model::minutes>(rig.clock.wall() - midnight);
  const auto opens = (now + model::minutes(5)) % model::kWholeDay;
  settings.ota.maintenance_windows = {{"nights", {}, model::kEveryDay, opens, model::minutes(60)}};
  rig.fleet->apply_settings(std::make_shared<const model::Settings>(settings));
  CHECK_FALSE(rig.poll().deployment.has_value());
  CHECK(rig.fleet->job(job)->detail == "not offered: BLOCKED: Maintenance Window Closed");
  CHECK(rig.fleet->detail("iot-001")->row.gate == "updating");
  rig.clock.advance(model::minutes(5));
  CHECK(rig.poll().deployment == 1001U);
}

TEST_CASE("a new DDI token cuts off what runs under the one before", "[ddi]") {
  DdiFleet rig;
  const auto make_token = [&](const std::string& device) {
    REQUIRE(rig.wait([&](const fleet::Done& done) {
      rig.fleet->ddi_set_token(device, sha256_hex("new " + device), "operator:ann", done);
    }));
  };
  make_token("iot-001");
  CHECK(rig.cut_off == std::vector<std::string>{"iot-001"});
  make_token("iot-002");  // its first: nothing runs under another
  CHECK(rig.cut_off.size() == 1);
}

TEST_CASE("a DDI device has no rollback, and loses its token with its right", "[ddi]") {
  DdiFleet rig;
  const auto refused = rig.wait(
      [&](const fleet::Done& done) { rig.fleet->rollback("iot-001", "operator:ann", done); });
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::kConflict);
  REQUIRE(rig.wait(
      [&](const fleet::Done& done) { rig.fleet->revoke("iot-001", "operator:ann", done); }));
  CHECK_FALSE(rig.fleet->ddi_admit("iot-001", rig.credentials(kToken)).has_value());
  REQUIRE(rig.wait([&](const fleet::Done& done) {
    rig.fleet->ddi_set_token("iot-001", sha256_hex("new"), "operator:ann", done);
  }));
  CHECK_FALSE(rig.fleet->ddi_admit("iot-001", rig.credentials(kToken)).has_value());
  CHECK(rig.fleet->ddi_admit("iot-001", rig.credentials(sha256_hex("new"))).has_value());
}

TEST_CASE("the gateway token outlives a restart, and so does turning it off", "[ddi]") {
  DdiFleet rig;
  const std::string token = sha256_hex("gateway");
  const auto set = [&](const std::string& hash) {
    REQUIRE(rig.wait(
        [&](const fleet::Done& done) { rig.fleet->ddi_set_gateway(hash, "operator:ann", done); }));
    rig.start();  // the state alone is left
  };
  DdiCredentials gateway = DdiFleet::credentials(token);
  gateway.kind = DdiCredentials::Kind::kGatewayToken;
  set(token);
  CHECK(rig.fleet->ddi_gateway_is_on());
  CHECK(rig.fleet->ddi_admit("iot-002", gateway).value() == DdiAdmission::kWaiting);
  set("");
  CHECK_FALSE(rig.fleet->ddi_gateway_is_on());
  CHECK_FALSE(rig.fleet->ddi_admit("iot-002", gateway).has_value());
}
