// An operator stops all updates: what does not start, what is cancelled, what goes on, and for how
// long.
#include "model/event_kind.h"
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using model::Answer;
using model::JobState;
using test::kDigest214;
using test::kDigest215;

namespace {

struct StoppedFleet : test::SmallFleet {
  StoppedFleet() {
    for (const char* id : {"iot-001", "iot-002"}) {
      enrol(id);
      run(id, 12, 10);
    }
  }
  fleet::StopOutcome stop(const std::string& reason = "it drains batteries") {
    std::optional<fleet::StopOutcome> outcome;
    fleet->stop(reason, "operator:ada",
                [&](const Result<fleet::StopOutcome>& answer) { outcome = answer.value(); });
    REQUIRE(store.flush());
    REQUIRE(outcome);
    return *outcome;
  }
  Result<void> resume() {
    return wait([&](fleet::Done done) { fleet->resume("operator:bob", done); });
  }
  std::string gate_word(const std::string& id) {
    fleet->catch_up();
    return row(id).gate;
  }
};

}  // namespace

TEST_CASE("while updates are stopped none starts, in the column and at a push", "[fleet]") {
  StoppedFleet it;
  CHECK(it.gate_word("iot-001") == "pass");
  const auto outcome = it.stop();
  CHECK(outcome.cancelled == 0);
  CHECK_FALSE(outcome.was_stopped);
  CHECK(outcome.unsaved.empty());
  CHECK(it.gate_word("iot-001") == "stopped");
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Updates Stopped");
  REQUIRE(it.fleet->snapshot()->stop != nullptr);
  CHECK(it.fleet->snapshot()->stop->actor == "operator:ada");
  it.start();  // a restart changes nothing of that
  it.run("iot-001", 12, 10);
  CHECK(it.push("iot-001").decision.headline == "BLOCKED: Updates Stopped");
  REQUIRE(it.resume());
  CHECK(it.gate_word("iot-001") == "pass");
  CHECK(it.push("iot-001").decision.answer == Answer::kAllow);
  CHECK(it.store.of_kind(model::event_kind::kUpdatesStopped).size() == 1);
  CHECK(it.store.of_kind(model::event_kind::kUpdatesResumed).size() == 1);
  CHECK(it.resume().error().code == Errc::kConflict);
  it.start();
  CHECK(it.fleet->snapshot()->stop == nullptr);
}

TEST_CASE("a stop cancels what is not installed, and leaves what has started its image",
          "[fleet]") {
  StoppedFleet it;
  const auto early = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  REQUIRE(it.report("iot-001", early, 1, JobState::kDownloading));
  const auto late = it.push("iot-002").job_id;
  REQUIRE(it.commands("iot-002").size() == 1);
  REQUIRE(it.report("iot-002", late, 1, JobState::kBooting));
  it.woken.clear();
  const auto outcome = it.stop();
  CHECK(outcome.cancelled == 1);
  CHECK(it.fleet->job(early)->cancel_requested);
  CHECK_FALSE(it.fleet->job(late)->cancel_requested);
  CHECK(it.woken == std::vector<std::string>{"iot-001"});
  const auto told = it.commands("iot-001");
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == fleet::Command::Kind::kCancel);
  CHECK(it.stop("again").cancelled == 0);  // it is as it was
  CHECK(it.fleet->snapshot()->stop->reason == "it drains batteries");
}

TEST_CASE("a job that waits for its device ends with the stop", "[fleet]") {
  StoppedFleet it;
  const auto job = it.push("iot-001").job_id;
  CHECK(it.stop().cancelled == 1);
  CHECK(it.fleet->job(job)->state == JobState::kCancelled);
  CHECK(it.commands("iot-001").empty());
}

TEST_CASE("a job that an import brings back while updates are stopped ends as those that ran",
          "[fleet]") {
  StoppedFleet it;
  const auto early = it.push("iot-001").job_id;
  const auto late = it.push("iot-002").job_id;
  REQUIRE(it.commands("iot-002").size() == 1);
  REQUIRE(it.report("iot-002", late, 1, JobState::kBooting));
  REQUIRE(it.store.flush());
  const auto jobs = it.store.documents["jobs"];
  it.stop();
  REQUIRE(it.fleet->job(early)->state == JobState::kCancelled);
  it.store.documents["jobs"] = jobs;
  it.start();
  CHECK(it.fleet->job(early)->state == JobState::kCancelled);
  CHECK(it.fleet->job(late)->state == JobState::kBooting);  // past its point of no return
  CHECK(it.commands("iot-001").empty());
}

TEST_CASE("going back goes on while updates are stopped", "[fleet]") {
  StoppedFleet it;
  it.stop();
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->rollback("iot-001", "operator:ada", done); }));
  const auto told = it.commands("iot-001");
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == fleet::Command::Kind::kRollback);
}

TEST_CASE("a stop that cannot be written holds, says so, and is written first when it can be",
          "[fleet]") {
  StoppedFleet it;
  it.store.full = true;
  const auto outcome = it.stop();
  CHECK_FALSE(outcome.unsaved.empty());
  CHECK(it.gate_word("iot-001") == "stopped");
  it.store.full = false;
  it.tick();
  it.start();
  REQUIRE(it.fleet->snapshot()->stop != nullptr);
  CHECK(it.fleet->snapshot()->stop->reason == "it drains batteries");
}
