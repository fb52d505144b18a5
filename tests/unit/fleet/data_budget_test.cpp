// What devices fetch: what counts towards a budget and for how long, what a push would make them
// fetch, what is told of it, and the totals.
#include "model/data_budget.h"

#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using model::Answer;
using model::FetchWay;
using model::JobState;
using model::ReleaseClass;
using model::Version;
using std::chrono::hours;
using test::kDigest214;
using test::kDigest215;

namespace {

// The image of v2.1.5 has 100 bytes, its patch from v2.1.4 10 and the packed image 40.
struct BudgetFleet : test::SmallFleet {
  explicit BudgetFleet(std::uint64_t bytes_per_day) : SmallFleet(with(bytes_per_day)) {
    publish();
    for (const char* id : {"iot-001", "iot-002"}) {
      enrol(id);
      quiet(id, 10);
    }
  }

  static model::Settings with(std::uint64_t bytes_per_day) {
    model::Settings settings = default_settings();
    settings.ota.data_budget.bytes_per_day = bytes_per_day;
    return settings;
  }
  void publish(ReleaseClass release_class = ReleaseClass::kFunctional) {
    auto newer = release(Version(2, 1, 5), kDigest215);
    newer.release_class = release_class;
    newer.shorter = {{"", {}, 40}, {kDigest214, Version(2, 1, 4), 10}};
    fleet->set_releases({release(Version(2, 1, 4), kDigest214), std::move(newer)});
  }
  void restart() {
    start();
    publish();
    for (const char* id : {"iot-001", "iot-002"})
      quiet(id, 10);
  }
  void quiet(const std::string& id, int for_seconds) {
    for (int i = 0; i < for_seconds; ++i)
      run(id, quiet_cpu(), 1);
  }
  // An agent that makes images of patches says so.
  void takes_patches(const std::string& id) {
    fleet::DeviceStatus said;
    said.agent = "ota-agent 1.0.0";
    said.hardware = "sim-a";
    said.running = said.confirmed = model::Image{Version(2, 1, 4), kDigest214};
    said.patch_format = 1;
    REQUIRE(wait([&](fleet::Done done) { fleet->report_status(id, said, done); }));
  }
  void send_bytes(const std::string& id, std::uint64_t bytes) {
    fleet->data_sent(id, bytes);
    REQUIRE(store.flush());
  }
  std::string gate_word(const std::string& id) {
    fleet->catch_up();
    return row(id).gate;
  }
  fleet::PushOutcome dry(const std::string& id) {
    fleet::PushRequest request;
    request.devices = {id};
    request.dry_run = true;
    return push(std::move(request));
  }
  std::string fail_job(const std::string& id, std::uint64_t after_bytes) {
    const std::string job = push(id).job_id;
    REQUIRE(commands(id).size() == 1);
    send_bytes(id, after_bytes);
    REQUIRE(report(id, job, 1, JobState::kFailed, "image.hash"));
    return job;
  }
  using SmallFleet::push;
};

std::string observed(const model::Decision& decision, const std::string& check) {
  for (const auto& outcome : decision.checks) {
    if (outcome.check == check) return outcome.observed;
  }
  return {};
}

}  // namespace

TEST_CASE("a failed update's bytes use up the budget, and time alone frees it", "[fleet][gate]") {
  BudgetFleet it(150);
  CHECK(it.gate_word("iot-001") == "pass");
  const WallTime began = it.clock.wall();
  const std::string failed = it.fail_job("iot-001", 51);
  CHECK(it.fleet->job(failed)->sent_bytes == 51);
  CHECK(it.gate_word("iot-001") == "data budget");
  CHECK(it.gate_word("iot-002") == "pass");  // each device has its own
  const auto refused = it.push("iot-001");
  CHECK(refused.decision.headline == "BLOCKED: Data Budget Used");
  CHECK(refused.job_id.empty());
  CHECK(observed(refused.decision, "data-budget") ==
        "51 B of 150 B fetched in the last 24 hours, 100 B to come; used until " +
            format_rfc3339(began + hours(24), Fraction::kNone) + ", for 1d0h");

  it.clock.advance(hours(24) - seconds(20));
  it.quiet("iot-001", 12);
  CHECK(it.row("iot-001").gate == "data budget");
  it.quiet("iot-001", 12);  // nothing but readings
  CHECK(it.row("iot-001").gate == "pass");
  CHECK(it.push("iot-001").decision.answer == Answer::kAllow);
}

TEST_CASE("what counts towards a budget is kept over restarts and counts at once",
          "[fleet][gate]") {
  BudgetFleet it(150);
  it.fail_job("iot-001", 30);
  // Within the time in which nothing more is written of it: it counts nevertheless.
  it.send_bytes("iot-001", 21);
  CHECK(it.gate_word("iot-001") == "data budget");
  // A tick writes it.
  it.clock.advance(fleet::kSentSaved + seconds(1));
  it.quiet("iot-001", 1);
  it.restart();
  CHECK(it.gate_word("iot-001") == "data budget");
  CHECK(it.fleet->detail("iot-001")->record->fetched.size() == 1);
  CHECK(it.fleet->snapshot()->job_counts.sent_bytes == 51);
  // And an ordered end.
  it.send_bytes("iot-002", 30);
  it.send_bytes("iot-002", 21);
  it.fleet->save_last_seen();
  REQUIRE(it.store.flush());
  it.restart();
  CHECK(it.gate_word("iot-002") == "data budget");
}

TEST_CASE("what was fetched while the clock was ahead counts for a day, by the clock that is right",
          "[fleet][gate]") {
  const bool restarts = GENERATE(false, true);
  INFO(restarts);
  BudgetFleet it(150);
  it.clock.set_wall(it.clock.wall() + std::chrono::hours(24 * 40));
  it.quiet("iot-001", 10);
  it.fail_job("iot-001", 100);
  CHECK(it.gate_word("iot-001") == "data budget");
  it.clock.set_wall(it.clock.wall() - std::chrono::hours(24 * 40));
  if (restarts) it.restart();
  it.quiet("iot-001", 10);
  CHECK(it.gate_word("iot-001") == "data budget");
  it.clock.advance(std::chrono::hours(25));
  it.quiet("iot-001", 10);
  CHECK(it.gate_word("iot-001") == "pass");
}

TEST_CASE("another attempt that the budget has no room for is not sent", "[fleet][gate]") {
  BudgetFleet it(150);
  const std::string job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  REQUIRE(it.report("iot-001", job, 1, JobState::kDownloading));
  it.send_bytes("iot-001", 60);
  REQUIRE(it.report("iot-001", job, 2, JobState::kFailed, "download"));
  REQUIRE(it.fleet->job(job)->state == JobState::kQueued);
  CHECK(it.commands("iot-001").empty());
  CHECK(it.fleet->job(job)->state == JobState::kFailed);
  CHECK(it.fleet->job(job)->detail ==
        "BLOCKED: Data Budget Used; the device may still install what it was sent before");
}

TEST_CASE("a patch fits where the image does not, and only on an agent that makes it",
          "[fleet][gate]") {
  BudgetFleet it(60);
  CHECK(it.gate_word("iot-001") == "data budget");  // of an earlier release: the image
  CHECK(it.dry("iot-001").fetch->way == FetchWay::kWhole);
  CHECK(observed(it.dry("iot-001").decision, "data-budget") ==
        "0 B of 60 B fetched in the last 24 hours, 100 B to come, which is more than a day's");
  it.takes_patches("iot-001");
  CHECK(it.gate_word("iot-001") == "pass");
  const auto dry = it.dry("iot-001");
  REQUIRE(dry.fetch);
  CHECK(describe(*dry.fetch) == "patch from v2.1.4: 10 B instead of 100 B");
  // And it fits when the device asks.
  const std::string job = it.push("iot-001").job_id;
  CHECK(it.commands("iot-001").size() == 1);
  it.send_bytes("iot-001", 51);
  REQUIRE(it.report("iot-001", job, 1, JobState::kFailed, "image.hash"));
  CHECK(it.gate_word("iot-001") == "data budget");
  // Over DDI an image comes whole.
  BudgetFleet other(0);
  other.takes_patches("iot-002");
  REQUIRE(other.wait([&](const fleet::Done& done) {
    other.fleet->ddi_set_token("iot-002", "hash", "operator:ann", done);
  }));
  other.fleet->ddi_poll("iot-002", "SWUpdate", "", [](const Result<fleet::DdiOffer>&) {});
  REQUIRE(other.store.flush());
  CHECK(other.dry("iot-002").fetch->way == FetchWay::kWhole);
}

TEST_CASE("a security release goes before the budget where an operator says why", "[fleet][gate]") {
  BudgetFleet it(60);
  it.publish(ReleaseClass::kSecurity);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Data Budget Used");
  fleet::PushRequest request;
  request.devices = {"iot-001"};
  request.override_reason = "exploited in the field";
  const auto pushed = it.push(request);
  CHECK(pushed.decision.answer == Answer::kAllow);
  CHECK(it.commands("iot-001").size() == 1);
}

TEST_CASE("a push over several devices says what they would fetch in all", "[fleet]") {
  BudgetFleet it(0);
  it.takes_patches("iot-001");
  fleet::PushRequest request;
  request.devices = {"iot-001", "iot-002", "iot-404"};
  request.actor = "operator:ann";
  request.dry_run = true;
  std::vector<fleet::PushOutcome> outcomes;
  it.fleet->push(request, [&](const Result<std::vector<fleet::PushOutcome>>& answer) {
    outcomes = answer.value();
  });
  REQUIRE(it.store.flush());
  REQUIRE(outcomes.size() == 3);
  CHECK_FALSE(outcomes[2].fetch);
  CHECK(describe(fleet::fetch_sum(outcomes)) ==
        "110 B instead of 200 B: 1 by patch 10 B, 1 whole 100 B");
}

TEST_CASE("an update by a patch is told in its step, and what it saved is counted for good",
          "[fleet]") {
  BudgetFleet it(0);
  it.takes_patches("iot-001");
  const std::string job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  std::uint64_t seq = 0;
  const auto report = [&](JobState state, const std::string& detail = {},
                          const std::optional<model::FetchPlan>& fetch = {}) {
    model::JobReport said;
    said.seq = ++seq;
    said.state = state;
    said.detail = detail;
    said.fetch = fetch;
    REQUIRE(it.wait([&](fleet::Done done) { it.fleet->report_job("iot-001", job, said, done); }));
  };
  const auto download_step = [&] {
    const auto steps = it.fleet->job(job)->steps;
    REQUIRE(steps.back().state == JobState::kDownloading);
    return steps.back().detail;
  };
  report(JobState::kDownloading, "checking the signed metadata");
  CHECK(download_step() == "checking the signed metadata");
  report(JobState::kDownloading, "patch",
         model::FetchPlan{FetchWay::kPatch, 10, 77, Version(2, 1, 4)});
  CHECK(download_step() == "patch from v2.1.4: 10 B instead of 100 B");  // the signed length
  CHECK(it.fleet->job(job)->fetch->image_bytes == 100);
  // It does not lead to the image: the packed one is taken, and both are paid for.
  it.send_bytes("iot-001", 8);
  report(JobState::kDownloading, "packed", model::FetchPlan{FetchWay::kPacked, 40, 100, {}});
  CHECK(download_step() == "packed: 40 B instead of 100 B");
  // No file is longer than the image that it makes.
  report(JobState::kDownloading, "packed", model::FetchPlan{FetchWay::kPacked, 100, 100, {}});
  CHECK(download_step() == "packed: 40 B instead of 100 B");
  it.send_bytes("iot-001", 40);
  for (const auto state :
       {JobState::kVerifying, JobState::kInstalling, JobState::kBooting, JobState::kConfirming})
    report(state);
  it.status("iot-001", Version(2, 1, 5), kDigest215);
  report(JobState::kSucceeded);
  CHECK(it.fleet->job(job)->state == JobState::kSucceeded);
  CHECK(it.fleet->job(job)->sent_bytes == 48);
  for (int starts = 0; starts < 2; ++starts) {
    it.fleet->catch_up();
    CHECK(it.fleet->snapshot()->job_counts.sent_bytes == 48);
    CHECK(it.fleet->snapshot()->job_counts.saved_bytes == 52);
    it.restart();
  }
  CHECK(it.fleet->job(job)->fetch->way == FetchWay::kPacked);
}
