#include "tests/support/catch.h"
#include "tests/support/machine_device.h"

using namespace ota;
using namespace ota::agent;
using namespace ota::agent::test;
using model::JobState;
using Kind = Action::Kind;

TEST_CASE("an update goes through every step in order and ends confirmed", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  std::vector<Kind> steps;
  while (device.machine.next().kind != Kind::kWait)
    steps.push_back(device.step());
  CHECK(steps == std::vector<Kind>{Kind::kCheck, Kind::kDownload, Kind::kVerify, Kind::kInstall,
                                   Kind::kSwitch, Kind::kRestart, Kind::kProbe});
  CHECK(device.saved.confirmed == kNew);
  CHECK(device.saved.confirmed_slot == Slot::kB);
  CHECK(device.saved.previous == kOld);
  CHECK(device.saved.highest == kNew.version);
  CHECK_FALSE(device.saved.trial);
  std::vector<JobState> states;
  std::uint64_t seq = 0;
  for (const QueuedReport& entry : device.saved.outbox) {
    states.push_back(entry.report.state);
    CHECK(entry.report.seq > seq);
    seq = entry.report.seq;
  }
  CHECK(states == std::vector<JobState>{JobState::kDownloading, JobState::kVerifying,
                                        JobState::kInstalling, JobState::kBooting,
                                        JobState::kConfirming, JobState::kSucceeded});
}

TEST_CASE("a full queue of final reports is left as it is by what is said of another job",
          "[agent]") {
  UpdateState state = factory_state();
  for (int i = 0; i < 64; ++i) {
    model::JobReport last;
    last.state = JobState::kFailed;
    last.seq = static_cast<std::uint64_t>(i) + 1;
    state.outbox.push_back({"old-" + std::to_string(i), last});
  }
  state.next_seq = 100;
  MachineDevice device;
  device.saved = state;
  device.restart();
  device.machine.command(update_command());
  device.step_until(Kind::kDownload);
  device.machine.progress(device.machine.next().ticket, 50);
  device.step_until(Kind::kSwitch);
  for (const QueuedReport& entry : device.machine.state().outbox) {
    INFO(entry.job);
    if (!entry.job.starts_with("old-")) continue;
    CHECK(entry.report.percent == 0);
    CHECK_FALSE(entry.report.written_sha256);
    CHECK(entry.report.state == JobState::kFailed);
  }
}

TEST_CASE("success is announced only by the confirmation", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kProbe);
  for (const QueuedReport& entry : device.saved.outbox)
    CHECK(entry.report.state != JobState::kSucceeded);
  device.machine.take_notices();
  device.step();
  CHECK(device.machine.take_notices() == std::vector<std::string>{"Updated to v2.1.5"});
}

TEST_CASE("a failure before the switch leaves the running image and says its own code", "[agent]") {
  const auto kind = GENERATE(Kind::kCheck, Kind::kDownload, Kind::kVerify, Kind::kInstall);
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(kind);
  device.step(failed_with("some.code"));
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.current == Slot::kA);
  CHECK(device.saved.confirmed == kOld);
  CHECK(device.last_report().state == JobState::kFailed);
  CHECK(device.last_report().error_code == "some.code");
}

TEST_CASE("a download that the network broke is tried again with growing pauses, and not for ever",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kDownload);
  device.step(failed_with("download", Failure::Again::kLater));
  CHECK(device.machine.next().kind == Kind::kDownload);
  CHECK(device.machine.next().delay == std::chrono::seconds(1));
  device.step(failed_with("download", Failure::Again::kLater));
  CHECK(device.machine.next().delay == std::chrono::seconds(2));
  device.step(failed_with("download", Failure::Again::kLater));
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().state == JobState::kFailed);
}

TEST_CASE(
    "wrong hardware, older, equal and outsized releases are refused before anything is fetched",
    "[agent]") {
  MachineDevice device;
  Command command = update_command();
  std::string code;
  SECTION("hardware") {
    command.release.hardware = {"sim-b"};
    code = "wrong-hardware";
  }
  SECTION("older than what runs") {
    command.release.version = model::Version(2, 1, 3);
    code = "downgrade";
  }
  SECTION("the running version with other bytes") {
    command.release.version = kOld.version;
    code = "downgrade";
  }
  SECTION("too large") {
    command.release.length = (std::uint64_t{1} << 30) + 1;
    code = "image.length";
  }
  SECTION("empty") {
    command.release.length = 0;
    code = "image.length";
  }
  device.machine.command(command);
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().state == JobState::kFailed);
  CHECK(device.last_report().error_code == code);
}

TEST_CASE("a version below the highest ever confirmed is refused also after a rollback",
          "[agent]") {
  MachineDevice device;
  device.saved.highest = model::Version(2, 2, 0);
  device.restart();
  device.machine.command(update_command());
  CHECK(device.last_report().error_code == "downgrade");
}

TEST_CASE("a signed floor forbids versions as a confirmed one does", "[agent]") {
  MachineDevice device;
  device.machine.version_floor(model::Version(3, 0, 0));
  device.machine.command(update_command());
  CHECK(device.last_report().error_code == "downgrade");
}

TEST_CASE("the image that runs already is answered with success", "[agent]") {
  MachineDevice device;
  Command command = update_command();
  command.release.sha256 = kOld.sha256;
  command.release.version = kOld.version;
  device.machine.command(command);
  CHECK(device.last_report().state == JobState::kSucceeded);
}

TEST_CASE("a repeated command does not start a job twice, another attempt does", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kDownload);
  device.machine.command(update_command());
  CHECK(device.machine.next().kind == Kind::kDownload);
  device.step(failed_with("image.hash"));
  const auto seq = device.last_report().seq;
  device.machine.command(update_command());
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().seq == seq);  // it waits to be sent already
  device.machine.acknowledged("job-1", seq);
  CHECK(device.machine.state().outbox.empty());
  device.machine.command(update_command());
  CHECK(device.last_report().state == JobState::kFailed);  // said again, not done again
  CHECK(device.machine.next().kind == Kind::kWait);
  device.machine.command(update_command("job-1", 2));
  CHECK(device.machine.next().kind == Kind::kCheck);
}

TEST_CASE("a job for another image under an id that was used before is a job of its own",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  SECTION("the earlier one failed") {
    device.step(failed_with("tuf.freeze"));
  }
  SECTION("the earlier one succeeded") {
    while (device.machine.next().kind != Kind::kWait)
      device.step();
  }
  Command fresh = update_command();
  fresh.release.version = model::Version(2, 1, 6);
  fresh.release.sha256 = std::string(64, 'c');
  device.machine.command(fresh);
  CHECK(device.machine.next().kind == Kind::kCheck);
  // Nor does a report that still waits speak for the new job.
  REQUIRE(device.machine.state().outbox.size() == 1);
  CHECK(device.last_report().state == JobState::kDownloading);
}

TEST_CASE("success is said again only as long as the device runs that image", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  device.machine.acknowledged("job-1", device.last_report().seq);
  device.machine.command(update_command());
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().state == JobState::kSucceeded);
  device.machine.command(rollback_command());
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  REQUIRE(device.saved.confirmed == kOld);
  device.machine.command(update_command());
  CHECK(device.machine.next().kind == Kind::kCheck);
}

TEST_CASE("an outcome that was kept without its image's digest is not said again", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step(failed_with("tuf.freeze"));
  Json document = to_document(device.saved);
  document["finished"][0].erase("sha256");
  const auto older = from_document(document);
  REQUIRE(older.has_value());
  device.saved = *older;
  device.restart();
  device.machine.command(update_command());
  CHECK(device.machine.next().kind == Kind::kCheck);
}

TEST_CASE("a cancel stops a job before the switch and is too late after it", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  Command cancel;
  cancel.type = Command::Type::kCancel;
  cancel.job = "job-1";
  SECTION("while downloading") {
    device.step_until(Kind::kDownload);
    const auto ticket = device.machine.next().ticket;
    device.machine.command(cancel);
    CHECK(device.machine.next().kind == Kind::kWait);
    CHECK(device.last_report().state == JobState::kCancelled);
    device.machine.done(ticket, {});  // the download ended all the same
    CHECK(device.machine.next().kind == Kind::kWait);
  }
  SECTION("while confirming") {
    device.step_until(Kind::kProbe);
    device.machine.command(cancel);
    CHECK(device.machine.next().kind == Kind::kProbe);
    CHECK(device.last_report().state == JobState::kConfirming);
    CHECK(device.last_report().detail == "too late to cancel");
  }
}

TEST_CASE("the word of a job that was cancelled is used up, also over a power cut", "[agent]") {
  MachineDevice device;
  Command command = update_command();
  command.nonce = std::string(32, '7');
  device.machine.command(command);
  device.step_until(Kind::kDownload);
  Command cancel;
  cancel.type = Command::Type::kCancel;
  cancel.job = "job-1";
  device.machine.command(cancel);
  device.save();
  device.restart();
  Command again = update_command("job-2");
  again.nonce = command.nonce;
  device.machine.command(again);
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().error_code == "tuf.replayed-job");
}

TEST_CASE("a cancel of a job that never came is answered", "[agent]") {
  MachineDevice device;
  Command cancel;
  cancel.type = Command::Type::kCancel;
  cancel.job = "job-9";
  device.machine.command(cancel);
  CHECK(device.last_report().state == JobState::kCancelled);
}

TEST_CASE("a cancel that names another image is not answered with an older job's outcome",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kWait);
  Command cancel;
  cancel.type = Command::Type::kCancel;
  cancel.job = "job-1";
  SECTION("the same image") {
    cancel.release.sha256 = kNew.sha256;
    device.machine.command(cancel);
    CHECK(device.last_report().state == JobState::kSucceeded);
  }
  SECTION("another one") {
    cancel.release.sha256 = std::string(64, 'c');
    device.machine.command(cancel);
    CHECK(device.last_report().state == JobState::kCancelled);
  }
}

TEST_CASE("a job that has ended at the server is given up, but an armed image goes on", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  SECTION("before the switch") {
    device.step_until(Kind::kVerify);
    device.machine.job_over("job-1");
    CHECK(device.machine.next().kind == Kind::kWait);
    CHECK(device.machine.state().outbox.empty());
  }
  SECTION("after it") {
    device.step_until(Kind::kProbe);
    device.machine.job_over("job-1");
    CHECK(device.machine.next().kind == Kind::kProbe);
    device.step();
    CHECK(device.saved.confirmed == kNew);
  }
}

TEST_CASE("a power cut before any action loses no step and invents none", "[agent]") {
  for (int cut = 0; cut < 12; ++cut) {
    MachineDevice device;
    device.machine.command(update_command());
    device.save();
    for (int step = 0; device.machine.next().kind != Kind::kWait; ++step) {
      if (step == cut) device.restart();
      device.step();
    }
    CHECK(device.saved.confirmed == kNew);
    CHECK(device.current == Slot::kB);
    CHECK(device.last_report().state == JobState::kSucceeded);
  }
}

TEST_CASE("numbers of percent reports are never used again after a power cut", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kDownload);
  const auto ticket = device.machine.next().ticket;
  for (int percent = 1; percent <= 100; ++percent)
    device.machine.progress(ticket, percent);
  const auto used = device.last_report().seq;
  CHECK(device.last_report().percent == 100);
  CHECK_FALSE(device.machine.dirty());
  device.restart();
  device.step_until(Kind::kVerify);
  CHECK(device.last_report().seq > used);
}

TEST_CASE("the report queue is bounded and keeps how jobs ended", "[agent]") {
  MachineDevice device;
  for (int i = 0; i < 100; ++i) {
    device.machine.command(update_command("job-" + std::to_string(i)));
    device.step_until(Kind::kVerify);
    device.step(failed_with("image.hash"));
  }
  CHECK(device.saved.outbox.size() <= 64);
  for (const QueuedReport& entry : device.saved.outbox)
    CHECK(model::is_final(entry.report.state));
}

TEST_CASE("the state document is the same after a round trip", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.machine.clock_floor(*parse_rfc3339("2026-01-02T03:04:05Z"));
  device.save();
  for (int i = 0; i < 20 && device.machine.next().kind != Kind::kWait; ++i) {
    const Json document = to_document(device.saved);
    const auto again = from_document(document);
    REQUIRE(again.has_value());
    CHECK(to_document(*again) == document);
    device.step(i == 6 ? Outcome(failed_with("health.failed")) : Outcome());
  }
}

TEST_CASE("a state document of another form is refused", "[agent]") {
  CHECK_FALSE(from_document(Json::object()).has_value());
  CHECK_FALSE(from_document(Json::array()).has_value());
  Json newer = to_document(factory_state());
  newer["format"] = 2;
  CHECK_FALSE(from_document(newer).has_value());
  Json odd = to_document(factory_state());
  odd["confirmed_slot"] = "c";
  CHECK_FALSE(from_document(odd).has_value());
}

TEST_CASE("a director's word counts for one job, however that ended, after a power cut too",
          "[agent]") {
  const auto end_at = GENERATE(Kind::kDownload, Kind::kSwitch);
  MachineDevice device;
  Command first = update_command();
  first.word = "word";
  first.nonce = std::string(32, '1');
  device.machine.command(first);
  CHECK(device.machine.next().word == "word");
  CHECK(device.machine.next().job == "job-1");
  device.step_until(end_at);
  device.restart();  // goes on with the same word
  device.step_until(end_at);
  if (end_at == Kind::kDownload) device.step(failed_with("download"));
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  device.restart();

  Command again = update_command("job-2");
  again.release.version = model::Version(2, 1, 6);
  again.release.sha256 = std::string(64, 'c');
  again.nonce = first.nonce;
  device.machine.command(again);
  CHECK(device.last_report().error_code == "tuf.replayed-job");
  CHECK(device.machine.next().kind == Kind::kWait);
  again.job = "job-3";
  again.nonce = std::string(32, '2');
  device.machine.command(again);
  CHECK(device.machine.next().kind == Kind::kCheck);
}

TEST_CASE("a director's word is used up by a job that was cancelled, or that ended at the server",
          "[agent]") {
  const bool cancelled = GENERATE(true, false);
  MachineDevice device;
  Command first = update_command();
  first.nonce = std::string(32, '1');
  device.machine.command(first);
  device.step_until(Kind::kDownload);
  if (cancelled) {
    Command cancel = first;
    cancel.type = Command::Type::kCancel;
    device.machine.command(cancel);
  } else {
    device.machine.job_over(first.job);
  }
  device.save();
  device.restart();
  Command again = update_command("job-2");
  again.nonce = first.nonce;
  device.machine.command(again);
  CHECK(device.last_report().error_code == "tuf.replayed-job");
}

TEST_CASE("words that were never found good push none out of the memory of used ones", "[agent]") {
  MachineDevice device;
  Command good = update_command();
  good.nonce = std::string(32, '1');
  device.machine.command(good);
  device.step();
  device.step(failed_with("download"));
  for (int i = 0; i < 200; ++i) {
    Command forged = update_command("job-" + std::to_string(i + 10));
    forged.nonce = std::string(28, 'f') + std::to_string(1000 + i);
    device.machine.command(forged);
    device.step(failed_with("tuf.unsigned-job"));
  }
  CHECK(device.saved.spent == std::vector<std::string>{good.nonce});
}
