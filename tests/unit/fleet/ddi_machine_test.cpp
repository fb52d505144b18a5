#include "fleet/ddi_machine.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;
using fleet::DdiExecution;
using fleet::DdiFeedback;
using fleet::DdiFetch;
using fleet::DdiFinished;
using fleet::DdiVersionWord;
using fleet::JobChange;
using model::Job;
using model::JobState;

namespace {

using test::kStart;

model::OtaSettings shipped_rules() {
  return fleet::ddi_rules(model::Settings{});
}

Job queued() {
  model::Decision decision;
  decision.device = "press-01";
  model::Release release;
  release.version = model::Version(2, 1, 5);
  release.sha256 = std::string(64, 'b');
  release.length = 1000;
  Job job = fleet::make_job("job-000001", decision, release, "operator", shipped_rules(), kStart);
  job.ddi.emplace();
  return job;
}

Job offered() {
  model::Decision allow;
  allow.answer = model::Answer::kAllow;
  return fleet::job_offered(queued(), allow, shipped_rules(), kStart).job;
}

Job fetched() {
  return fleet::ddi_fetched(offered(), {.kind = DdiFetch::Kind::kWhole, .prefix = 1000},
                            shipped_rules(), kStart)
      .job;
}

DdiFeedback says(DdiExecution execution, DdiFinished finished = DdiFinished::kNone,
                 std::vector<std::string> details = {}) {
  return {execution, finished, std::move(details)};
}

JobChange after(const Job& job, const DdiFeedback& feedback,
                DdiVersionWord word = DdiVersionWord::kNever) {
  auto change = fleet::ddi_reported(job, feedback, word, shipped_rules(), kStart);
  REQUIRE(change.has_value());
  return *change;
}

bool tells(const JobChange& change, const std::string& kind) {
  return std::any_of(change.events.begin(), change.events.end(),
                     [&](const model::Event& event) { return event.kind == kind; });
}

Job installed() {
  return after(fetched(),
               says(DdiExecution::kProceeding, DdiFinished::kNone, {"All Chunks Installed."}))
      .job;
}

Job cancelling() {
  return fleet::job_cancelled(offered(), "operator", kStart)->job;
}

}  // namespace

TEST_CASE("what SWUpdate reports leads to an installed update that awaits its confirmation",
          "[ddi]") {
  Job job = after(offered(), says(DdiExecution::kProceeding, DdiFinished::kNone,
                                  {"Installing Update Chunk Artifacts."}))
                .job;
  CHECK(job.state == JobState::kDownloading);
  job = fleet::ddi_fetched(job, {.kind = DdiFetch::Kind::kPiece, .prefix = 420}, shipped_rules(),
                           kStart)
            .job;
  CHECK(job.percent == 42);
  job = fleet::ddi_fetched(job, {.kind = DdiFetch::Kind::kWhole, .prefix = 1000}, shipped_rules(),
                           kStart)
            .job;
  CHECK(job.state == JobState::kInstalling);
  CHECK(job.ddi->downloads == 1);
  job = after(job, says(DdiExecution::kProceeding, DdiFinished::kNone, {"Installed Chunk."})).job;
  CHECK(job.state == JobState::kInstalling);
  job = after(job, says(DdiExecution::kProceeding, DdiFinished::kNone, {"All Chunks Installed."}))
            .job;
  CHECK(job.state == JobState::kConfirming);
  CHECK(job.detail == "installed, awaiting the device's confirmation");
  CHECK(job.ddi->installed);
  const JobChange closed = after(job, says(DdiExecution::kClosed, DdiFinished::kSuccess));
  CHECK(closed.job.state == JobState::kSucceeded);
  CHECK(closed.confirmed);
}

TEST_CASE("each report of the table of executions has its state", "[ddi]") {
  CHECK(after(installed(), says(DdiExecution::kClosed, DdiFinished::kSuccess)).job.state ==
        JobState::kSucceeded);
  // hawkBit counts none as success.
  CHECK(after(installed(), says(DdiExecution::kClosed, DdiFinished::kNone)).job.state ==
        JobState::kSucceeded);
  CHECK(after(offered(), says(DdiExecution::kClosed, DdiFinished::kFailure)).job.state ==
        JobState::kFailed);
  for (const auto work : {DdiExecution::kProceeding, DdiExecution::kScheduled,
                          DdiExecution::kResumed, DdiExecution::kDownload}) {
    CHECK(after(offered(), says(work)).job.state == JobState::kDownloading);
  }
  CHECK(after(offered(), says(DdiExecution::kDownloaded)).job.state == JobState::kVerifying);
  const JobChange rejected = after(offered(), says(DdiExecution::kRejected));
  CHECK(rejected.job.state == JobState::kSent);
  CHECK(tells(rejected, "ddi.rejected"));
  CHECK(after(offered(), says(DdiExecution::kCanceled)).job.state == JobState::kCancelled);
}

TEST_CASE("success without a whole download is flagged and not counted", "[ddi]") {
  const JobChange change =
      after(offered(), says(DdiExecution::kClosed, DdiFinished::kSuccess, {"Update Installed."}));
  CHECK(change.job.state == JobState::kFailed);
  CHECK(change.job.error_code == "never-downloaded");
  CHECK_FALSE(change.confirmed);
  CHECK(tells(change, "ddi.success-without-download"));
  CHECK(change.attention == model::Attention::kFailed);
}

TEST_CASE("a device that says its version succeeds when it says the new one", "[ddi]") {
  const JobChange claimed = after(installed(), says(DdiExecution::kClosed, DdiFinished::kSuccess),
                                  DdiVersionWord::kSaysIt);
  CHECK(claimed.job.state == JobState::kConfirming);
  CHECK_FALSE(claimed.confirmed);
  const JobChange old =
      fleet::ddi_version_seen(claimed.job, model::Version(2, 1, 4), shipped_rules(), kStart);
  CHECK(old.job.state == JobState::kConfirming);
  CHECK(old.job.detail == "reported success, but still says that it runs v2.1.4");
  const JobChange done =
      fleet::ddi_version_seen(old.job, model::Version(2, 1, 5), shipped_rules(), kStart);
  CHECK(done.job.state == JobState::kSucceeded);
  CHECK(done.confirmed);
  // A version alone, before the device closed, closes nothing.
  CHECK_FALSE(fleet::ddi_version_seen(installed(), model::Version(2, 1, 5), shipped_rules(), kStart)
                  .changed);
}

TEST_CASE("a closing report that comes twice changes nothing, another one is refused", "[ddi]") {
  const JobChange first = after(installed(), says(DdiExecution::kClosed, DdiFinished::kSuccess));
  const JobChange second = after(first.job, says(DdiExecution::kClosed, DdiFinished::kSuccess));
  CHECK_FALSE(second.changed);
  CHECK(second.events.empty());
  for (const auto& other :
       {says(DdiExecution::kClosed, DdiFinished::kFailure), says(DdiExecution::kProceeding)}) {
    const auto refused =
        fleet::ddi_reported(first.job, other, DdiVersionWord::kNever, shipped_rules(), kStart);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::kConflict);
  }
}

TEST_CASE("a failure is explained by the device's own ERROR line", "[ddi]") {
  Job job = after(offered(), says(DdiExecution::kProceeding, DdiFinished::kNone,
                                  {"[TRACE] : SWUPDATE running", "ERROR : hash does not match",
                                   "[INFO ] : cleaning up",
                                   "[ERROR] : SWUPDATE failed [0] ERROR : SWUpdate *failed* !"}))
                .job;
  const JobChange failed = after(
      job, says(DdiExecution::kClosed, DdiFinished::kFailure, {"No suitable .swu image found"}));
  CHECK(failed.job.detail == "ERROR : hash does not match");
  CHECK(fleet::ddi_log_by_weight(failed.job.ddi->log).front() == "ERROR : hash does not match");
}

TEST_CASE("a device's log is bounded, keeps its ERROR lines and cannot paint", "[ddi]") {
  std::vector<std::string> log;
  fleet::append_ddi_log(log, {"ERROR : the cause\x1b[2J"});
  for (int i = 0; i < 500; ++i)
    fleet::append_ddi_log(log, {"line " + std::to_string(i) + "\nand another"});
  fleet::append_ddi_log(log, {std::string(5000, 'x')});
  CHECK(log.size() == 50);
  CHECK(log.front() == "ERROR : the cause?[2J");
  CHECK(log.back().size() == 512);
}

TEST_CASE("a cancel that the device confirms ends the update", "[ddi]") {
  const auto confirmed = fleet::ddi_cancel_reported(
      cancelling(), says(DdiExecution::kClosed, DdiFinished::kSuccess), shipped_rules(), kStart);
  REQUIRE(confirmed.has_value());
  CHECK(confirmed->job.state == JobState::kCancelled);
  const auto again = fleet::ddi_cancel_reported(
      confirmed->job, says(DdiExecution::kClosed, DdiFinished::kSuccess), shipped_rules(), kStart);
  REQUIRE(again.has_value());
  CHECK_FALSE(again->changed);
  CHECK(fleet::ddi_cancel_reported(cancelling(), says(DdiExecution::kCanceled), shipped_rules(),
                                   kStart)
            ->job.state == JobState::kCancelled);
}

TEST_CASE("a DDI device is asked to cancel until it says that it has installed", "[ddi]") {
  const auto asked = fleet::job_cancelled(fetched(), "operator", kStart);
  REQUIRE(asked.has_value());
  CHECK(asked->job.cancel_requested);
  const Job at_work =
      after(asked->job, says(DdiExecution::kProceeding, DdiFinished::kNone, {"Installing"})).job;
  CHECK(at_work.cancel_requested);
  const JobChange late = after(
      at_work, says(DdiExecution::kProceeding, DdiFinished::kNone, {"All Chunks Installed."}));
  CHECK_FALSE(late.job.cancel_requested);
  CHECK(tells(late, "job.cancel-too-late"));
  CHECK_FALSE(fleet::job_cancelled(installed(), "operator", kStart).has_value());
}

TEST_CASE("a cancel that the device refuses is taken back and the update goes on", "[ddi]") {
  // rauc says success while it refuses; Zephyr says failure where the image is installed.
  for (const auto& refusal : {says(DdiExecution::kRejected, DdiFinished::kSuccess),
                              says(DdiExecution::kClosed, DdiFinished::kFailure)}) {
    const auto change = fleet::ddi_cancel_reported(cancelling(), refusal, shipped_rules(), kStart);
    REQUIRE(change.has_value());
    CHECK_FALSE(change->job.cancel_requested);
    CHECK(change->job.state == JobState::kSent);
    CHECK(tells(*change, "ddi.cancel-refused"));
    const auto again = fleet::ddi_cancel_reported(change->job, refusal, shipped_rules(), kStart);
    REQUIRE(again.has_value());
    CHECK_FALSE(again->changed);
  }
}

TEST_CASE("only the very version that was sent confirms an update over DDI, not a newer one",
          "[ddi]") {
  Job job = fetched();
  job.ddi->claims_success = true;
  job.state = JobState::kConfirming;
  for (const model::Version& other : {model::Version(2, 1, 4), model::Version(9, 0, 0)}) {
    const JobChange change = fleet::ddi_version_seen(job, other, shipped_rules(), kStart);
    CHECK(change.job.state == JobState::kConfirming);
    CHECK_FALSE(change.confirmed);
  }
  CHECK(fleet::ddi_version_seen(job, job.release.version, shipped_rules(), kStart).confirmed);
}

TEST_CASE("reports on the deployment count while it is being cancelled", "[ddi]") {
  Job job = fetched();
  job.cancel_requested = true;
  CHECK(after(job, says(DdiExecution::kClosed, DdiFinished::kSuccess)).job.state ==
        JobState::kSucceeded);
}

TEST_CASE("the gate's refusal keeps an update back and is told once for each reason", "[ddi]") {
  model::Decision decision;
  decision.answer = model::Answer::kBlock;
  decision.headline = "BLOCKED: Anomaly Detected";
  decision.risk = "High Load";
  const JobChange first = fleet::ddi_withheld(queued(), decision, kStart);
  CHECK(first.job.state == JobState::kQueued);
  CHECK(tells(first, "ddi.withheld"));
  CHECK(first.job.detail == "not offered: BLOCKED: Anomaly Detected (Risk: High Load)");
  CHECK_FALSE(fleet::ddi_withheld(first.job, decision, kStart).changed);
}

TEST_CASE("a report on an update that was never offered is not known", "[ddi]") {
  const auto refused =
      fleet::ddi_reported(queued(), says(DdiExecution::kClosed, DdiFinished::kSuccess),
                          DdiVersionWord::kNever, shipped_rules(), kStart);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::kNotFound);
}

TEST_CASE("every open state of an update over DDI has a deadline and ends at it, untried again",
          "[ddi]") {
  for (const Job& job : {queued(), offered(), fetched(), installed(), cancelling()}) {
    CAPTURE(std::string(model::to_text(job.state)));
    REQUIRE(job.deadline != WallTime{});
    const JobChange late = fleet::job_at(job, shipped_rules(), job.deadline);
    CHECK(model::is_final(late.job.state));
  }
  CHECK(installed().deadline == kStart + model::DdiSettings{}.confirm_deadline);
}

TEST_CASE("an operator ends an update over DDI without its device, whose late word is written down",
          "[ddi]") {
  const auto ended = fleet::ddi_force_quit(installed(), "operator:ann", kStart);
  REQUIRE(ended.has_value());
  CHECK(ended->job.state == JobState::kCancelled);
  CHECK(tells(*ended, "job.force-quit"));
  CHECK_FALSE(fleet::ddi_force_quit(ended->job, "operator:ann", kStart).has_value());
  const JobChange late = after(ended->job, says(DdiExecution::kClosed, DdiFinished::kSuccess));
  CHECK(late.job.state == JobState::kCancelled);
  CHECK(tells(late, "ddi.late-report"));
  CHECK_FALSE(after(late.job, says(DdiExecution::kClosed, DdiFinished::kSuccess)).changed);
}

TEST_CASE("a device that downloads one update again and again is reported", "[ddi]") {
  const JobChange again = fleet::ddi_fetched(
      installed(), {.kind = DdiFetch::Kind::kWhole, .prefix = 1000}, shipped_rules(), kStart);
  CHECK(again.job.ddi->downloads == 2);
  CHECK(again.job.state == JobState::kConfirming);
  CHECK(tells(again, "ddi.downloaded-again"));
}
