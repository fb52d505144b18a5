#include "fleet/fleet.h"

#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using fleet::DeviceState;
using model::Answer;
using model::JobState;
using model::Level;
using model::Version;
using test::kDigest214;
using test::kDigest215;
using test::SmallFleet;

TEST_CASE("scenario A: a stable device is updated, and its version changes once it has confirmed",
          "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  CHECK(it.row("iot-001").level == Level::kStable);
  const auto outcome = it.push("iot-001");
  CHECK(outcome.decision.headline == "SUCCESS: Update to v2.1.5 initiated");
  CHECK(it.woken == std::vector<std::string>{"iot-001"});
  CHECK(it.row("iot-001").state == DeviceState::kUpdating);
  CHECK(it.row("iot-001").facts().confirmed->version == Version(2, 1, 4));
  CHECK(it.row("iot-001").facts().assigned->version == Version(2, 1, 5));
  it.update("iot-001", outcome.job_id);
  it.tick();
  CHECK(it.row("iot-001").facts().confirmed->version == Version(2, 1, 5));
  CHECK(it.row("iot-001").state == DeviceState::kOnline);
  CHECK(it.store.of_kind("job.succeeded").size() == 1);
}

TEST_CASE("scenario B: a sick device is refused, and the log says why", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-002");
  it.run("iot-002", 97, 20);
  CHECK(it.row("iot-002").state == DeviceState::kBlocked);
  CHECK(it.row("iot-002").label == "High Load");
  const auto outcome = it.push("iot-002");
  CHECK(outcome.decision.headline == "BLOCKED: Anomaly Detected");
  CHECK(outcome.job_id.empty());
  const auto blocked = it.store.of_kind("gate.block");
  REQUIRE(blocked.size() == 1);
  CHECK(blocked[0].message == "BLOCKED → OTA for iot-002 rejected (Risk: High Load)");
  CHECK(blocked[0].data.at("decision").at("checks").size() >= 9);
  CHECK(it.store.of_kind("verdict.critical").size() == 1);
}

TEST_CASE("scenario C: a device that has the version is skipped", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  it.update("iot-001", it.push("iot-001").job_id);
  const auto outcome = it.push("iot-001");
  CHECK(outcome.decision.headline == "SKIPPED: Device already on v2.1.5");
  CHECK(it.store.of_kind("gate.skip").size() == 1);
}

TEST_CASE("nobody is told of a decision before it is on disk", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  bool told = false;
  fleet::PushRequest request;
  request.devices = {"iot-001"};
  it.fleet->push(request, [&](const Result<std::vector<fleet::PushOutcome>>&) { told = true; });
  CHECK_FALSE(told);
  CHECK(it.woken.empty());
  std::size_t offered = 0;
  it.fleet->take_commands("iot-001", [&](const Result<std::vector<fleet::Command>>& commands) {
    offered = commands->size();
  });
  CHECK(offered == 0);
  REQUIRE(it.store.flush());
  CHECK(told);
  CHECK(it.commands("iot-001").size() == 1);
}

TEST_CASE("a decision that cannot be written down becomes a refusal", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  SECTION("the store is known to be full") {
    it.store.state.writable = false;
    it.store.state.problem = "no space left";
  }
  SECTION("the store turns out to be full") {
    it.store.full = true;
  }
  const auto outcome = it.push("iot-001");
  CHECK(outcome.decision.headline == "BLOCKED: State Not Saved");
  CHECK(outcome.decision.answer == Answer::kBlock);
  CHECK(outcome.job_id.empty());
  CHECK(it.commands("iot-001").empty());
  CHECK_FALSE(it.row("iot-001").facts().assigned);
  it.push("nobody");
  it.store.full = false;
  it.store.state = {};
  it.tick();
  // The log has what the operator was told, once.
  const auto refusals = it.store.of_kind("gate.block");
  REQUIRE(refusals.size() == 2);
  CHECK(refusals[0].message.find("State Not Saved") != std::string::npos);
  CHECK(refusals[0].actor == "operator:test");
  CHECK(refusals[1].source == "nobody");
  CHECK(it.push("iot-001").decision.answer == Answer::kAllow);
}

// The console shows a job as soon as it is decided.
TEST_CASE("what is said of a job that is not written yet waits until it is", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  it.store.full = GENERATE(false, true);
  CAPTURE(it.store.full);
  fleet::PushRequest request;
  request.devices = {"iot-001"};
  request.actor = "operator:test";
  std::string job;
  it.fleet->push(request, [&](const Result<std::vector<fleet::PushOutcome>>& outcomes) {
    job = outcomes->front().job_id;
  });
  const bool revoked = GENERATE(false, true);
  std::optional<Result<void>> answer;
  const auto answered = [&](const Result<void>& said) { answer = said; };
  if (revoked) {
    it.fleet->revoke("iot-001", "operator:test", answered);
  } else {
    it.fleet->cancel("job-000001", "operator:test", answered);
  }
  REQUIRE(it.store.flush());
  REQUIRE(answer);
  const bool written = !it.store.full;
  CHECK(job == (written ? "job-000001" : ""));
  CHECK(answer->has_value() == written);
  it.store.full = false;
  it.tick();
  for (const bool restarted : {false, true}) {
    CAPTURE(restarted);
    if (restarted) it.start();
    const auto found = it.fleet->job("job-000001");
    CHECK(found.has_value() == written);
    if (found) CHECK(found->state == JobState::kCancelled);
    it.fleet->catch_up();
    CHECK(it.fleet->snapshot()->job_counts.of(JobState::kCancelled) == (written ? 1 : 0));
  }
}

TEST_CASE("what happened while the disk was full is written once there is room", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  it.store.full = true;
  CHECK_FALSE(it.report("iot-001", job, 1, JobState::kDownloading));
  it.store.full = false;
  it.tick();
  it.start();
  CHECK(it.fleet->job(job)->state == JobState::kDownloading);
  CHECK(it.store.of_kind("job.step").size() == 1);
  CHECK(it.report("iot-001", job, 1, JobState::kDownloading));  // repeated, not applied again
  CHECK(it.store.of_kind("job.step").size() == 1);
}

TEST_CASE("the gate is asked again before a queued job is sent", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  it.run("iot-001", 97, 20);
  CHECK(it.commands("iot-001").empty());
  CHECK(it.fleet->job(job)->state == JobState::kFailed);
  CHECK(it.fleet->job(job)->detail == "BLOCKED: Anomaly Detected");
  CHECK(it.store.of_kind("job.refused").size() == 1);
}

TEST_CASE("a release that was taken back is not sent", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  it.fleet->set_releases({SmallFleet::release(Version(2, 1, 4), kDigest214)});
  CHECK(it.commands("iot-001").empty());
  CHECK(it.fleet->job(job)->detail == "BLOCKED: Release Not Published");
}

TEST_CASE("a device that says it has started is unknown until its readings say more", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto level = [&] { return it.fleet->detail("iot-001")->verdict.level; };
  REQUIRE(level() == model::Level::kStable);
  it.status("iot-001", model::Version(2, 1, 4), kDigest214, {1, 1});
  CHECK(level() == model::Level::kStable);  // the start that its readings are of
  it.status("iot-001", model::Version(2, 1, 4), kDigest214, {1, 2});
  CHECK(level() == model::Level::kUnknown);
  CHECK(it.store.of_kind("verdict.unknown").size() == 1);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: No Recent Telemetry");
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    it.clock.advance(seconds(1));
    model::Sample sample = it.sample("iot-001", 12);
    sample.boot = {1, 2};
    REQUIRE(it.send("iot-001", sample).accepted == 1);
  }
  CHECK(level() == model::Level::kStable);
}

TEST_CASE("a device that fell back is not offered the release again without a word", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  REQUIRE(it.report("iot-001", job, 1, JobState::kRolledBack, "health", "health check failed"));
  it.tick();
  CHECK(it.row("iot-001").state == DeviceState::kRollback);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Release Rejected Before");
  fleet::PushRequest request;
  request.devices = {"iot-001"};
  request.again = true;
  CHECK(it.push(request).decision.answer == Answer::kAllow);
  CHECK(it.commands("iot-001").size() == 1);  // also when the gate is asked again
}

TEST_CASE("an operator's acknowledgement takes the word away", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  REQUIRE(it.report("iot-001", job, 1, JobState::kFailed, "image.hash", "wrong digest"));
  it.tick();
  CHECK(it.row("iot-001").state == DeviceState::kFailed);
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->acknowledge("iot-001", "console", done); }));
  CHECK(it.row("iot-001").state == DeviceState::kOnline);
}

TEST_CASE("jobs, versions and events outlive a restart, and a running job goes on", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  REQUIRE(it.report("iot-001", job, 1, JobState::kDownloading));
  const auto events = it.fleet->snapshot()->events->size();
  it.clock.advance(std::chrono::hours(2));  // the server was away
  it.start();
  CHECK(it.fleet->job(job)->state == JobState::kDownloading);
  CHECK(it.fleet->snapshot()->events->size() >= events);
  it.tick();
  CHECK(it.fleet->job(job)->state == JobState::kDownloading);  // its deadline began anew
  it.status("iot-001", Version(2, 1, 5), kDigest215);
  REQUIRE(it.report("iot-001", job, 2, JobState::kSucceeded));
  it.start();
  it.tick();
  CHECK(it.row("iot-001").facts().confirmed->version == Version(2, 1, 5));
  CHECK(it.push("iot-001").decision.headline == "SKIPPED: Device already on v2.1.5");
}

TEST_CASE("a device that turns critical after its update is reported as regressed", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  it.update("iot-001", job);
  it.run("iot-001", 98, 20);
  CHECK(it.fleet->job(job)->watch == model::Watch::kRegressed);
  CHECK(it.store.of_kind("job.regressed").size() == 1);
  CHECK(it.row("iot-001").state == DeviceState::kFailed);
}

TEST_CASE("a watch period without harm ends as healthy", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  it.update("iot-001", job);
  it.run("iot-001", 12, 121);
  CHECK(it.fleet->job(job)->watch == model::Watch::kHealthy);
}

TEST_CASE("a device that leaves its new image is not called healthy on it", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  it.update("iot-001", job);
  it.run("iot-001", 12, 77);
  REQUIRE(it.fleet->job(job)->watch == model::Watch::kWatching);
  // Rolled back.
  it.status("iot-001", Version(2, 1, 4), test::kDigest214);
  CHECK(it.fleet->job(job)->watch == model::Watch::kLeft);
  it.run("iot-001", 12, 121);
  CHECK(it.fleet->job(job)->watch == model::Watch::kLeft);
  CHECK(it.store.of_kind("job.healthy").empty());
  REQUIRE(it.store.of_kind("job.left").size() == 1);
  CHECK(it.store.of_kind("job.left").front().message ==
        "iot-001 left v2.1.5 for v2.1.4 within its watch period: whether it would have stayed "
        "healthy is not known");
}

TEST_CASE("a lost command is offered again after a while, not at once", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  it.push("iot-001");
  CHECK(it.commands("iot-001").size() == 1);
  CHECK(it.commands("iot-001").empty());
  it.woken.clear();
  it.clock.advance(seconds(3));
  it.tick();
  CHECK(it.woken == std::vector<std::string>{"iot-001"});
  CHECK(it.commands("iot-001").size() == 1);
}

TEST_CASE("a queued job is cancelled at once, a running one by the device's word", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto cancel = [&](const std::string& job) {
    return it.wait([&](fleet::Done done) { it.fleet->cancel(job, "operator", done); });
  };
  const auto first = it.push("iot-001").job_id;
  REQUIRE(cancel(first));
  CHECK(it.fleet->job(first)->state == JobState::kCancelled);

  const auto second = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  REQUIRE(it.report("iot-001", second, 1, JobState::kDownloading));
  REQUIRE(cancel(second));
  const auto commands = it.commands("iot-001");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].kind == fleet::Command::Kind::kCancel);
  REQUIRE(it.report("iot-001", second, 2, JobState::kCancelled));
  CHECK(it.fleet->job(second)->state == JobState::kCancelled);

  const auto third = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  REQUIRE(it.report("iot-001", third, 1, JobState::kInstalling));
  CHECK_FALSE(cancel(third));
  CHECK_FALSE(cancel("job-999999"));
}

TEST_CASE("a rollback is asked for once and needs no gate", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 97, 20);
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->rollback("iot-001", "operator", done); }));
  it.start();  // the wish outlives a restart
  const auto commands = it.commands("iot-001");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].kind == fleet::Command::Kind::kRollback);
  CHECK(commands[0].from == kDigest214);
  CHECK(it.commands("iot-001").empty());
}

TEST_CASE("a rollback whose command was lost is told again, until another image runs", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto ask = [&] {
    REQUIRE(it.wait([&](fleet::Done done) { it.fleet->rollback("iot-001", "operator", done); }));
  };
  ask();
  CHECK(it.commands("iot-001").size() == 1);
  it.status("iot-001", Version(2, 1, 4), kDigest214);  // an agent that was killed before it did it
  it.woken.clear();
  it.tick();
  CHECK(it.woken.empty());
  it.clock.advance(seconds(11));
  it.tick();
  CHECK(it.woken == std::vector<std::string>{"iot-001"});
  CHECK(it.commands("iot-001").size() == 1);
  it.start();  // and also after a restart of the server
  CHECK(it.commands("iot-001").size() == 1);
  it.status("iot-001", Version(2, 1, 3), std::string(64, 'c'));
  it.clock.advance(seconds(11));
  it.woken.clear();
  it.tick();
  CHECK(it.woken.empty());
  CHECK(it.commands("iot-001").empty());
  it.start();
  CHECK(it.commands("iot-001").empty());
  CHECK(it.store.of_kind("rollback.failed").empty());
}

TEST_CASE("a rollback is given up when the device cannot, or never does it", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto ask = [&] {
    REQUIRE(it.wait([&](fleet::Done done) { it.fleet->rollback("iot-001", "operator", done); }));
    REQUIRE(it.commands("iot-001").size() == 1);
  };
  const auto refuse = [&](const std::string& digest) {
    fleet::DeviceStatus said;
    said.running = said.confirmed = model::Image{Version(2, 1, 4), kDigest214};
    said.rollback_refused = digest;
    REQUIRE(it.wait([&](fleet::Done done) { it.fleet->report_status("iot-001", said, done); }));
    it.clock.advance(seconds(11));
  };
  ask();
  refuse(kDigest215);  // of an earlier one
  CHECK(it.commands("iot-001").size() == 1);
  refuse(kDigest214);
  CHECK(it.commands("iot-001").empty());
  auto failures = it.store.of_kind("rollback.failed");
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].message ==
        "iot-001 cannot go back from v2.1.4: its other slot holds no confirmed image, or "
        "its agent has no installer.rollback");

  ask();
  int told = 1;
  for (int i = 0; i < 60; ++i) {
    it.clock.advance(seconds(5));
    told += static_cast<int>(it.commands("iot-001").size());
  }
  CHECK(told == 10);
  failures = it.store.of_kind("rollback.failed");
  REQUIRE(failures.size() == 2);
  CHECK(failures[1].message.find("10 times") != std::string::npos);
  ask();  // a new word is a new rollback
}

TEST_CASE("a rollback is asked of a device only to an image that it holds and may run", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto tell = [&](std::optional<model::Image> previous, const char* floor) {
    fleet::DeviceStatus said;
    said.running = said.confirmed = model::Image{Version(2, 1, 5), kDigest215};
    said.previous = std::move(previous);
    said.version_floor = floor;
    REQUIRE(it.wait([&](fleet::Done done) { it.fleet->report_status("iot-001", said, done); }));
  };
  const auto ask = [&] {
    return it.wait([&](fleet::Done done) { it.fleet->rollback("iot-001", "operator", done); });
  };
  tell(std::nullopt, "0.0.0");
  CHECK(ask().error().context ==
        "iot-001 cannot go back: its other slot holds no image to go back to");
  tell(model::Image{Version(2, 1, 4), kDigest214}, "2.1.5");
  CHECK(ask().error().context ==
        "iot-001 cannot go back: its other slot holds v2.1.4, which is below the signed floor "
        "v2.1.5");
  // What it came with under another server, or was given by hand: no update would be allowed on it.
  tell(model::Image{Version(2, 1, 3), kDigest215}, "2.1.0");
  CHECK(ask().error().context ==
        "iot-001 cannot go back: its other slot holds an image of v2.1.3 that is neither published "
        "nor known for this device: publish that image, or a newer one");
  tell(model::Image{Version(2, 1, 4), kDigest215}, "2.1.0");
  CHECK(ask().error().context ==
        "iot-001 cannot go back: its other slot holds an image of v2.1.4 that is not the published "
        "one");
  CHECK(it.commands("iot-001").empty());
  tell(model::Image{Version(2, 1, 4), kDigest214}, "2.1.0");
  REQUIRE(ask());
  const auto commands = it.commands("iot-001");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].from == kDigest215);
  CHECK(commands[0].to == kDigest214);
  CHECK(commands[0].created == it.clock.wall());
  CHECK(it.store.of_kind("rollback.requested").back().message.find("unsigned") ==
        std::string::npos);
}

TEST_CASE("a rollback of an agent of the first release is shown as unsigned", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->rollback("iot-001", "operator", done); }));
  CHECK(it.commands("iot-001").front().to.empty());
  CHECK(it.store.of_kind("rollback.requested").back().message.find("rollback unsigned") !=
        std::string::npos);
}

TEST_CASE("a device that is to go back gets no update before", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->rollback("iot-001", "operator", done); }));
  const auto job = it.push("iot-001").job_id;
  REQUIRE_FALSE(job.empty());
  auto commands = it.commands("iot-001");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].kind == fleet::Command::Kind::kRollback);
  CHECK(it.commands("iot-001").empty());
  it.status("iot-001", Version(2, 1, 3), std::string(64, 'c'));
  CHECK(it.fleet->job(job)->state == JobState::kQueued);
}

TEST_CASE("a job of another device cannot be reported on", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.enrol("iot-002");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  const auto refused = it.report("iot-002", job, 1, JobState::kSucceeded);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::kNotFound);
}

TEST_CASE("a dry run leaves no trace", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  fleet::PushRequest request;
  request.devices = {"iot-001"};
  request.dry_run = true;
  const auto asked = it.push(request);
  CHECK(asked.decision.answer == Answer::kAllow);
  CHECK(asked.decision.headline == "ALLOWED: Update to v2.1.5 may start now");
  CHECK(it.store.of_kind("gate.allow").empty());
  CHECK(it.fleet->jobs("", 10).empty());
}

TEST_CASE("a push without any target version says so", "[fleet]") {
  auto settings = SmallFleet::default_settings();
  settings.ota.target_version.reset();
  SmallFleet it(settings);
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Release Not Published");
  CHECK(it.push("nobody").decision.headline == "BLOCKED: Unknown Device");
}

TEST_CASE("an override is a warning in the log, with its reason", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-002");
  it.run("iot-002", 97, 20);
  auto remedy = SmallFleet::release(Version(2, 1, 6), std::string(64, 'c'));
  remedy.release_class = model::ReleaseClass::kRemediation;
  it.fleet->set_releases({remedy, SmallFleet::release(Version(2, 1, 4), kDigest214)});
  fleet::PushRequest request;
  request.devices = {"iot-002"};
  request.version = Version(2, 1, 6);
  CHECK(it.push(request).decision.headline == "BLOCKED: Anomaly Detected");
  request.override_reason = "ends the miner";
  CHECK(it.push(request).decision.answer == Answer::kAllow);
  const auto events = it.store.of_kind("gate.override");
  REQUIRE(events.size() == 1);
  CHECK(events[0].severity == model::Severity::kWarning);
  CHECK(events[0].message.find("ends the miner") != std::string::npos);
  CHECK(it.commands("iot-002").size() == 1);
}

TEST_CASE("a push to many devices answers in the order asked", "[fleet]") {
  auto settings = SmallFleet::default_settings();
  std::vector<std::string> ids;
  for (int i = 0; i < 600; ++i) {
    ids.push_back("dev-" + std::to_string(1000 + i));
    settings.whitelist.devices.push_back({ids.back(), "sim-a", "default", ""});
  }
  SmallFleet it(settings);
  it.enrol(ids[599]);
  it.run(ids[599], 12, 10);
  fleet::PushRequest request;
  request.devices = ids;
  std::vector<fleet::PushOutcome> answer;
  it.fleet->push(request, [&](const Result<std::vector<fleet::PushOutcome>>& outcomes) {
    answer = outcomes.value();
  });
  REQUIRE(it.store.flush());
  REQUIRE(answer.size() == 600);
  for (std::size_t i = 0; i < 600; ++i)
    CHECK(answer[i].decision.device == ids[i]);
  CHECK(answer[0].decision.headline == "BLOCKED: Not Enrolled");
  CHECK(answer[599].decision.answer == Answer::kAllow);
}

TEST_CASE("an event that somebody waits for is on the screens when he is answered, or refused",
          "[fleet]") {
  SmallFleet it;
  model::Event event;
  event.at = it.clock.wall();
  event.kind = "audit.acknowledged";
  event.source = "server";
  const auto asked = [&] {
    return it.wait([&](fleet::Done done) { it.fleet->record(event, std::move(done)); });
  };
  REQUIRE(asked().has_value());
  it.fleet->catch_up();
  const auto seen = it.fleet->snapshot();
  REQUIRE(seen->events);
  REQUIRE_FALSE(seen->events->empty());
  CHECK(seen->events->back()->kind == "audit.acknowledged");
  it.store.full = true;
  CHECK(asked().error().code == Errc::kFull);
}
