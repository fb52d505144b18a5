#include "fleet/job_machine.h"

#include <random>

#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;
using fleet::JobChange;
using model::Attention;
using model::JobReport;
using model::JobState;
using model::Watch;

namespace {

using test::kStart;

model::OtaSettings rules() {
  model::OtaSettings settings;
  settings.max_retries = 2;
  return settings;
}

model::Job fresh() {
  model::Decision decision;
  decision.device = "iot-001";
  model::Release release;
  release.version = model::Version(2, 1, 5);
  release.sha256 = std::string(64, 'b');
  return fleet::make_job("job-000001", decision, release, "operator", rules(), kStart);
}

model::Job in(JobState state) {
  model::Job job = fresh();
  if (state == JobState::kQueued) return job;
  model::Decision allow;
  allow.answer = model::Answer::kAllow;
  job = fleet::job_offered(job, allow, rules(), kStart).job;
  if (state == JobState::kSent) return job;
  JobReport report;
  report.seq = 1;
  report.state = state;
  return fleet::job_reported(job, report, fleet::Proof::kGiven, rules(), kStart)->job;
}

JobReport says(std::uint64_t seq, JobState state, const std::string& code = "") {
  JobReport report;
  report.seq = seq;
  report.state = state;
  report.error_code = code;
  return report;
}

const std::vector<JobState> kRunning{
    JobState::kQueued,     JobState::kSent,    JobState::kDownloading, JobState::kVerifying,
    JobState::kInstalling, JobState::kBooting, JobState::kConfirming};

}  // namespace

TEST_CASE("every state that is not final has a deadline", "[fleet]") {
  for (const JobState state : kRunning) {
    const model::Job job = in(state);
    CHECK(job.state == state);
    CHECK(job.deadline > kStart);
    CHECK_FALSE(fleet::job_at(job, rules(), job.deadline - milliseconds(1)).changed);
    CHECK(fleet::job_at(job, rules(), job.deadline).changed);
  }
}

TEST_CASE("left alone, every job ends after a bounded number of attempts", "[fleet]") {
  for (const JobState state : kRunning) {
    model::Job job = in(state);
    model::Decision allow;
    allow.answer = model::Answer::kAllow;
    int rounds = 0;
    while (!model::is_final(job.state)) {
      REQUIRE(++rounds < 20);
      JobChange change = fleet::job_at(job, rules(), job.deadline);
      if (change.job.state == JobState::kQueued && change.wake_device) {
        change = fleet::job_offered(change.job, allow, rules(), change.job.updated);
      }
      job = change.job;
    }
    CHECK(job.attempt <= 3);
  }
}

TEST_CASE("a device that is silent in its trial boot is not sent the image again", "[fleet]") {
  for (const JobState state : {JobState::kBooting, JobState::kConfirming}) {
    const auto change = fleet::job_at(in(state), rules(), kStart + std::chrono::hours(1));
    CHECK(change.job.state == JobState::kFailed);
    CHECK(change.attention == Attention::kFailed);
  }
}

TEST_CASE("an update has as many attempts as max_retries allows beside the first", "[fleet]") {
  for (const std::uint32_t retries : {0U, 1U, 3U}) {
    model::OtaSettings rules;
    rules.max_retries = retries;
    model::Job job = in(JobState::kDownloading);
    std::uint64_t seq = job.report_seq;
    int attempts = 0;
    while (!model::is_final(job.state)) {
      ++attempts;
      job.state = JobState::kDownloading;
      const auto failed = fleet::job_reported(job, says(++seq, JobState::kFailed, "io"),
                                              fleet::Proof::kGiven, rules, kStart);
      REQUIRE(failed.has_value());
      job = failed->job;
    }
    CHECK(attempts == static_cast<int>(retries) + 1);
  }
}

TEST_CASE("a success without proof waits for it, and for no longer than a confirmation may take",
          "[fleet]") {
  const auto claimed = fleet::job_reported(in(JobState::kSent), says(2, JobState::kSucceeded),
                                           fleet::Proof::kNone, rules(), kStart);
  CHECK(claimed->job.state == JobState::kConfirming);
  CHECK_FALSE(claimed->confirmed);
  CHECK_FALSE(fleet::job_proven(claimed->job, fleet::Proof::kNone, rules(), kStart).changed);
  CHECK(fleet::job_proven(claimed->job, fleet::Proof::kGiven, rules(), kStart).confirmed);
  CHECK_FALSE(fleet::job_proven(in(JobState::kConfirming), fleet::Proof::kGiven, rules(), kStart)
                  .changed);  // it has not reported yet
  const auto ended = fleet::job_at(claimed->job, rules(), claimed->job.deadline);
  CHECK(ended.job.state == JobState::kFailed);
  CHECK_FALSE(ended.confirmed);
}

TEST_CASE("a failure of the way is tried again, one of the image is not", "[fleet]") {
  const auto retried =
      fleet::job_reported(in(JobState::kDownloading), says(2, JobState::kFailed, "io.read"),
                          fleet::Proof::kGiven, rules(), kStart);
  CHECK(retried->job.state == JobState::kQueued);
  CHECK(retried->job.attempt == 2);
  CHECK(retried->wake_device);
  for (const char* code : {"image.hash", "tuf.rollback", "downgrade", "wrong-hardware", ""}) {
    const auto ended =
        fleet::job_reported(in(JobState::kDownloading), says(2, JobState::kFailed, code),
                            fleet::Proof::kGiven, rules(), kStart);
    CHECK(ended->job.state == JobState::kFailed);
    CHECK_FALSE(ended->job.error_code.empty());
  }
}

TEST_CASE("a repeated report changes nothing, a late one is told that the job is over", "[fleet]") {
  const auto done = fleet::job_reported(in(JobState::kConfirming), says(2, JobState::kSucceeded),
                                        fleet::Proof::kGiven, rules(), kStart);
  REQUIRE(done.has_value());
  CHECK(done->confirmed);
  CHECK(done->job.watch == Watch::kWatching);
  CHECK_FALSE(fleet::job_reported(done->job, says(2, JobState::kSucceeded), fleet::Proof::kGiven,
                                  rules(), kStart)
                  ->changed);
  const auto late = fleet::job_reported(done->job, says(3, JobState::kFailed), fleet::Proof::kGiven,
                                        rules(), kStart);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().context == "job-final");
}

TEST_CASE("a job that was never sent takes no word of a device", "[fleet]") {
  const auto refused = fleet::job_reported(in(JobState::kQueued), says(1, JobState::kSucceeded),
                                           fleet::Proof::kGiven, rules(), kStart);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().context == "job-not-sent");
}

TEST_CASE("a device cannot queue a job or invent a percentage", "[fleet]") {
  CHECK_FALSE(fleet::job_reported(in(JobState::kSent), says(1, JobState::kQueued),
                                  fleet::Proof::kGiven, rules(), kStart)
                  .has_value());
  auto report = says(1, JobState::kDownloading);
  report.percent = 101;
  CHECK_FALSE(
      fleet::job_reported(in(JobState::kSent), report, fleet::Proof::kGiven, rules(), kStart)
          .has_value());
}

TEST_CASE("a cancel that comes too late is said and forgotten", "[fleet]") {
  const auto asked = fleet::job_cancelled(in(JobState::kDownloading), "operator", kStart);
  REQUIRE(asked.has_value());
  CHECK(asked->job.cancel_requested);
  const auto installing = fleet::job_reported(asked->job, says(2, JobState::kInstalling),
                                              fleet::Proof::kGiven, rules(), kStart);
  CHECK_FALSE(installing->job.cancel_requested);
  CHECK(installing->events.front().kind == "job.cancel-too-late");
}

// Found by the simulator: what was told as cancelled was installed.
TEST_CASE("a device that is silent after a cancel is not told as cancelled, nor tried again",
          "[fleet]") {
  for (const JobState state : {JobState::kSent, JobState::kDownloading, JobState::kVerifying}) {
    const auto asked = fleet::job_cancelled(in(state), "operator", kStart);
    const auto over = fleet::job_at(asked->job, rules(), asked->job.deadline);
    CHECK(over.job.state == JobState::kExpired);
    CHECK(over.job.detail.find("may still install it") != std::string::npos);
  }
}

TEST_CASE("a job that waits for another try may be on the device: a cancel waits for its word",
          "[fleet]") {
  model::Job again = in(JobState::kQueued);
  again.attempt = 2;
  const auto asked = fleet::job_cancelled(again, "operator", kStart);
  REQUIRE(asked.has_value());
  CHECK(asked->job.state == JobState::kQueued);
  CHECK(asked->job.cancel_requested);
  CHECK(fleet::job_at(asked->job, rules(), asked->job.deadline).job.state == JobState::kExpired);
}

TEST_CASE("a job that is abandoned is final, also in the middle of its trial", "[fleet]") {
  for (const JobState state : kRunning) {
    const JobChange change = fleet::job_abandoned(in(state), "revoked", kStart);
    // What the device may have is not called cancelled.
    CHECK(change.job.state ==
          (state == JobState::kQueued ? JobState::kCancelled : JobState::kExpired));
  }
}

TEST_CASE("what a device writes into its report cannot act on a terminal", "[fleet]") {
  auto report = says(1, JobState::kFailed, "x\x1b[2J");
  report.detail = "boom\r\n\x1b]0;title\x07";
  const auto change =
      fleet::job_reported(in(JobState::kSent), report, fleet::Proof::kGiven, rules(), kStart);
  CHECK(change->job.error_code.find('\x1b') == std::string::npos);
  CHECK(change->job.detail.find('\x1b') == std::string::npos);
  for (const auto& event : change->events)
    CHECK(event.message.find('\x1b') == std::string::npos);
}

TEST_CASE("a jump of the clock takes nothing from a job's time and gives nothing to it",
          "[fleet]") {
  for (const JobState state : kRunning) {
    for (const milliseconds jump :
         {milliseconds(std::chrono::hours(2)), -milliseconds(std::chrono::hours(2))}) {
      INFO(model::to_text(state) << " " << jump.count());
      const model::Job job = in(state);
      const milliseconds rest = job.deadline - kStart - seconds(10);
      const WallTime now = kStart + seconds(10) + jump;
      const JobChange moved = fleet::job_after_jump(job, rules(), jump, now);
      CHECK(moved.job.deadline - now == rest);
      // What began by the new clock keeps its time.
      const model::Job later = fleet::job_resumed(job, rules(), now).job;
      CHECK(fleet::job_after_jump(later, rules(), jump, now).job.deadline == later.deadline);
      // A restart gives it the whole time, and none of a clock that was ahead.
      CHECK(later.deadline - now == rest + seconds(10));
    }
  }
}

TEST_CASE("a watch lasts its period, also where the clock is set or the server restarts",
          "[fleet]") {
  const model::Job job = in(JobState::kSucceeded);
  REQUIRE(job.watch == Watch::kWatching);
  const milliseconds back = -milliseconds(std::chrono::hours(2));
  const WallTime now = kStart + seconds(10) + back;
  CHECK(fleet::job_after_jump(job, rules(), back, now).job.watch_until == job.watch_until + back);
  CHECK(fleet::job_resumed(job, rules(), now).job.watch_until == now + rules().watch_period);
  // What turns critical after that turned after the update.
  model::Verdict verdict;
  verdict.level = model::Level::kCritical;
  verdict.since = now + seconds(1);
  const model::Job moved = fleet::job_after_jump(job, rules(), back, now).job;
  CHECK(fleet::job_verdict(moved, verdict, rules(), now + seconds(1)).job.watch ==
        Watch::kRegressed);
  const model::Job started = fleet::job_resumed(job, rules(), now).job;
  CHECK(fleet::job_verdict(started, verdict, rules(), now + seconds(1)).job.watch ==
        Watch::kRegressed);
  // And what was critical before is so by a clock that is set ahead, too.
  const milliseconds ahead{std::chrono::hours(2)};
  verdict.since = kStart - seconds(5) + ahead;
  CHECK_FALSE(fleet::job_verdict(
                  fleet::job_after_jump(job, rules(), ahead, kStart + seconds(10) + ahead).job,
                  verdict, rules(), kStart + seconds(10) + ahead)
                  .changed);
  // One that ended while the server was away waits for the device's word once more.
  const WallTime late = job.watch_until + 5 * rules().watch_period;
  verdict.level = model::Level::kUnknown;
  CHECK_FALSE(fleet::job_verdict(fleet::job_resumed(job, rules(), late).job, verdict, rules(), late)
                  .changed);
  CHECK_FALSE(fleet::job_resumed(job, rules(), kStart + seconds(10)).changed);
}

TEST_CASE("any run of reports, deadlines and cancels keeps a job's promises", "[fleet]") {
  std::mt19937 random(7);
  model::Decision allow;
  allow.answer = model::Answer::kAllow;
  for (int round = 0; round < 300; ++round) {
    model::Job job = fresh();
    WallTime now = kStart;
    std::uint64_t seq = 0;
    bool told = false;
    for (int step = 0; step < 200; ++step) {
      now += milliseconds(random() % 60000);
      JobChange change;
      change.job = job;
      switch (random() % 4) {
        case 0:
          change = fleet::job_offered(job, allow, rules(), now);
          break;
        case 1: {
          auto reported =
              fleet::job_reported(job, says(++seq, static_cast<JobState>(random() % 12)),
                                  fleet::Proof::kGiven, rules(), now);
          if (reported) change = *reported;
          break;
        }
        case 2:
          change = fleet::job_at(job, rules(), now);
          break;
        default:
          if (random() % 30 == 0) {
            auto cancelled = fleet::job_cancelled(job, "operator", now);
            if (cancelled) change = *cancelled;
          }
      }
      if (model::is_final(job.state)) {
        REQUIRE(change.job.state == job.state);
        REQUIRE_FALSE(change.confirmed);
      }
      if (change.confirmed) {
        REQUIRE_FALSE(told);
        told = true;
        REQUIRE(change.job.state == JobState::kSucceeded);
      }
      REQUIRE((model::is_final(change.job.state) || change.job.deadline > WallTime{}));
      REQUIRE(change.job.attempt <= 3);
      REQUIRE(change.job.steps.size() <= 66);
      job = change.job;
    }
    REQUIRE(told == (job.state == JobState::kSucceeded));
  }
}

TEST_CASE("a retry follows a fault of the way, whether or not it is told in particular",
          "[fleet]") {
  for (const char* code : {"io", "download", "download.slow", "io.read", "timeout"}) {
    CAPTURE(code);
    const auto change =
        fleet::job_reported(in(JobState::kDownloading), says(2, JobState::kFailed, code),
                            fleet::Proof::kGiven, rules(), kStart);
    CHECK(change->job.state == JobState::kQueued);
  }
  const auto other =
      fleet::job_reported(in(JobState::kDownloading), says(2, JobState::kFailed, "iota"),
                          fleet::Proof::kGiven, rules(), kStart);
  CHECK(other->job.state == JobState::kFailed);
}

TEST_CASE("silence through a watch period is not called healthy", "[fleet]") {
  const model::Job job =
      fleet::job_reported(in(JobState::kConfirming), says(2, JobState::kSucceeded),
                          fleet::Proof::kGiven, rules(), kStart)
          ->job;
  const model::Verdict silent;
  CHECK_FALSE(fleet::job_verdict(job, silent, rules(), job.watch_until).changed);
  // It may yet speak, for as long again.
  model::Verdict well;
  well.level = model::Level::kWatch;
  CHECK(fleet::job_verdict(job, well, rules(), job.watch_until).job.watch == Watch::kHealthy);
  const auto over =
      fleet::job_verdict(job, silent, rules(), job.watch_until + rules().watch_period);
  CHECK(over.job.watch == Watch::kUnknown);
  REQUIRE(over.events.size() == 1);
  CHECK(over.events.front().kind == "job.unwatched");
}

TEST_CASE("a watch ends when its device runs another image, which a digest tells apart",
          "[fleet]") {
  model::Job job = fleet::job_reported(in(JobState::kConfirming), says(2, JobState::kSucceeded),
                                       fleet::Proof::kGiven, rules(), kStart)
                       ->job;
  job.release.sha256 = std::string(64, 'b');
  model::Image runs{job.release.version, job.release.sha256};
  CHECK_FALSE(fleet::job_left(job, runs, kStart).changed);
  runs.sha256.clear();  // over DDI a version is all that is told
  CHECK_FALSE(fleet::job_left(job, runs, kStart).changed);
  runs.sha256 = std::string(64, 'c');
  CHECK(fleet::job_left(job, runs, kStart).job.watch == Watch::kLeft);
  runs = {model::Version(9, 9, 9), ""};
  CHECK(fleet::job_left(job, runs, kStart).events.front().kind == "job.left");
}

TEST_CASE("what was critical before its update has the watch period to get well", "[fleet]") {
  const model::Job job =
      fleet::job_reported(in(JobState::kConfirming), says(2, JobState::kSucceeded),
                          fleet::Proof::kGiven, rules(), kStart)
          ->job;
  model::Verdict sick;
  sick.level = model::Level::kCritical;
  sick.since = kStart - seconds(30);
  CHECK_FALSE(fleet::job_verdict(job, sick, rules(), kStart + seconds(1)).changed);
  const auto still = fleet::job_verdict(job, sick, rules(), job.watch_until);
  CHECK(still.job.watch == Watch::kRegressed);
  CHECK(still.events.front().message.find("is still critical after its update") !=
        std::string::npos);
  sick.since = kStart + seconds(1);
  const auto turned = fleet::job_verdict(job, sick, rules(), kStart + seconds(1));
  CHECK(turned.job.watch == Watch::kRegressed);
  CHECK(turned.events.front().message.find("turned critical after its update") !=
        std::string::npos);
}
