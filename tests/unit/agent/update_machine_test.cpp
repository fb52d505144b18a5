#include "agents/update_machine.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::agent;
using model::JobState;
using Kind = Action::Kind;

namespace {

const model::Image kOld{model::Version(2, 1, 4), std::string(64, 'a')};
const model::Image kNew{model::Version(2, 1, 5), std::string(64, 'b')};

UpdateState factory_state() {
  UpdateState state;
  state.confirmed = kOld;
  state.highest = kOld.version;
  return state;
}

MachineOptions options() {
  MachineOptions options;
  options.hardware = "sim-a";
  options.max_download_tries = 3;
  return options;
}

Command update(const std::string& job = "job-1", int attempt = 1) {
  Command command;
  command.job = job;
  command.attempt = attempt;
  command.release.version = kNew.version;
  command.release.hardware = {"sim-a"};
  command.release.target = "firmware-2.1.5.img";
  command.release.length = 100;
  command.release.sha256 = kNew.sha256;
  return command;
}

Failure failure(const std::string& code, Failure::Again again = Failure::Again::kNever) {
  return {code, "a reason", again};
}

// A device whose durable state is what the machine said last: boot() anew is a power cut.
struct Device {
  UpdateState saved = factory_state();
  Slot current = Slot::kA;
  UpdateMachine machine{saved, options()};

  Device() { machine.boot(current); }
  void save() {
    saved = machine.state();
    machine.saved();
  }
  void restart() {
    machine = UpdateMachine(saved, options());
    machine.boot(current);
    save();
  }
  // Performs the next action with this outcome and saves.
  Kind step(const Outcome& outcome = {}) {
    save();
    const Action action = machine.next();
    if (action.kind == Kind::kSwitch && !outcome) current = action.slot;
    machine.done(action.ticket, outcome);
    save();
    if (action.kind == Kind::kRestart && !outcome) restart();
    return action.kind;
  }
  void step_until(Kind kind) {
    while (machine.next().kind != kind)
      step();
  }
  model::JobReport last_report() const { return machine.state().outbox.back().report; }
};

}  // namespace

TEST_CASE("an update goes through every step in order and ends confirmed", "[agent]") {
  Device device;
  device.machine.command(update());
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

TEST_CASE("success is announced only by the confirmation", "[agent]") {
  Device device;
  device.machine.command(update());
  device.step_until(Kind::kProbe);
  for (const QueuedReport& entry : device.saved.outbox)
    CHECK(entry.report.state != JobState::kSucceeded);
  device.machine.take_notices();
  device.step();
  CHECK(device.machine.take_notices() == std::vector<std::string>{"Updated to v2.1.5"});
}

TEST_CASE("a failure before the switch leaves the running image and says its own code", "[agent]") {
  const auto kind = GENERATE(Kind::kCheck, Kind::kDownload, Kind::kVerify, Kind::kInstall);
  Device device;
  device.machine.command(update());
  device.step_until(kind);
  device.step(failure("some.code"));
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.current == Slot::kA);
  CHECK(device.saved.confirmed == kOld);
  CHECK(device.last_report().state == JobState::kFailed);
  CHECK(device.last_report().error_code == "some.code");
}

TEST_CASE("a download that the network broke is tried again with growing pauses, and not for ever",
          "[agent]") {
  Device device;
  device.machine.command(update());
  device.step_until(Kind::kDownload);
  device.step(failure("download", Failure::Again::kLater));
  CHECK(device.machine.next().kind == Kind::kDownload);
  CHECK(device.machine.next().delay == std::chrono::seconds(1));
  device.step(failure("download", Failure::Again::kLater));
  CHECK(device.machine.next().delay == std::chrono::seconds(2));
  device.step(failure("download", Failure::Again::kLater));
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().state == JobState::kFailed);
}

TEST_CASE("an unhealthy image is left for the old slot, and rolled back is said after the way back",
          "[agent]") {
  Device device;
  device.machine.command(update());
  device.step_until(Kind::kProbe);
  device.step(failure("health.failed"));
  CHECK(device.last_report().state == JobState::kConfirming);
  CHECK(device.step() == Kind::kSwitch);
  CHECK(device.current == Slot::kA);
  CHECK(device.last_report().state == JobState::kConfirming);
  CHECK(device.step() == Kind::kRestart);
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.saved.confirmed == kOld);
  CHECK(device.last_report().state == JobState::kRolledBack);
  CHECK(device.last_report().error_code == "health.failed");
  CHECK(device.saved.fallback == "v2.1.5: a reason");
  CHECK(device.saved.fallback_sha256 == kNew.sha256);
}

TEST_CASE("after three starts without a confirmation the fourth goes back", "[agent]") {
  Device device;
  device.machine.command(update());
  device.step_until(Kind::kProbe);
  device.restart();
  CHECK(device.machine.next().kind == Kind::kProbe);
  device.restart();
  CHECK(device.machine.next().kind == Kind::kProbe);
  device.restart();
  CHECK(device.machine.next().kind == Kind::kSwitch);
  device.step();
  CHECK(device.current == Slot::kA);
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().state == JobState::kRolledBack);
  CHECK(device.last_report().error_code == "boot.unconfirmed");
}

TEST_CASE("a switch or restart that fails ends as failed, not as rolled back", "[agent]") {
  const auto kind = GENERATE(Kind::kSwitch, Kind::kRestart);
  Device device;
  device.machine.command(update());
  device.step_until(kind);
  device.step(failure("io"));
  CHECK(device.step() == Kind::kSwitch);
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.current == Slot::kA);
  CHECK(device.last_report().state == JobState::kFailed);
  // What never ran was not fallen back from: the release may be tried again.
  CHECK(device.saved.fallback.empty());
  CHECK(device.saved.fallback_sha256.empty());
}

TEST_CASE("a way back that fails is tried until it goes", "[agent]") {
  Device device;
  device.machine.command(update());
  device.step_until(Kind::kProbe);
  device.step(failure("health.failed"));
  for (int i = 0; i < 5; ++i)
    CHECK(device.step(failure("io")) == Kind::kSwitch);
  CHECK(device.machine.next().delay > std::chrono::seconds(0));
  device.step();
  CHECK(device.current == Slot::kA);
}

TEST_CASE(
    "wrong hardware, older, equal and outsized releases are refused before anything is fetched",
    "[agent]") {
  Device device;
  Command command = update();
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
  Device device;
  device.saved.highest = model::Version(2, 2, 0);
  device.restart();
  device.machine.command(update());
  CHECK(device.last_report().error_code == "downgrade");
}

TEST_CASE("a signed floor forbids versions as a confirmed one does", "[agent]") {
  Device device;
  device.machine.version_floor(model::Version(3, 0, 0));
  device.machine.command(update());
  CHECK(device.last_report().error_code == "downgrade");
}

TEST_CASE("the image that runs already is answered with success", "[agent]") {
  Device device;
  Command command = update();
  command.release.sha256 = kOld.sha256;
  command.release.version = kOld.version;
  device.machine.command(command);
  CHECK(device.last_report().state == JobState::kSucceeded);
}

TEST_CASE("a repeated command does not start a job twice, another attempt does", "[agent]") {
  Device device;
  device.machine.command(update());
  device.step_until(Kind::kDownload);
  device.machine.command(update());
  CHECK(device.machine.next().kind == Kind::kDownload);
  device.step(failure("image.hash"));
  const auto seq = device.last_report().seq;
  device.machine.command(update());
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().seq == seq);  // it waits to be sent already
  device.machine.acknowledged("job-1", seq);
  CHECK(device.machine.state().outbox.empty());
  device.machine.command(update());
  CHECK(device.last_report().state == JobState::kFailed);  // said again, not done again
  CHECK(device.machine.next().kind == Kind::kWait);
  device.machine.command(update("job-1", 2));
  CHECK(device.machine.next().kind == Kind::kCheck);
}

TEST_CASE("a job for another image under an id that was used before is a job of its own",
          "[agent]") {
  Device device;
  device.machine.command(update());
  SECTION("the earlier one failed") {
    device.step(failure("tuf.freeze"));
  }
  SECTION("the earlier one succeeded") {
    while (device.machine.next().kind != Kind::kWait)
      device.step();
  }
  Command fresh = update();
  fresh.release.version = model::Version(2, 1, 6);
  fresh.release.sha256 = std::string(64, 'c');
  device.machine.command(fresh);
  CHECK(device.machine.next().kind == Kind::kCheck);
  // Nor does a report that still waits speak for the new job.
  REQUIRE(device.machine.state().outbox.size() == 1);
  CHECK(device.last_report().state == JobState::kDownloading);
}

TEST_CASE("success is said again only as long as the device runs that image", "[agent]") {
  Device device;
  device.machine.command(update());
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  device.machine.acknowledged("job-1", device.last_report().seq);
  device.machine.command(update());
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().state == JobState::kSucceeded);
  Command rollback;
  rollback.type = Command::Type::kRollback;
  device.machine.command(rollback);
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  REQUIRE(device.saved.confirmed == kOld);
  device.machine.command(update());
  CHECK(device.machine.next().kind == Kind::kCheck);
}

TEST_CASE("an outcome that was kept without its image's digest is not said again", "[agent]") {
  Device device;
  device.machine.command(update());
  device.step(failure("tuf.freeze"));
  Json document = to_document(device.saved);
  document["finished"][0].erase("sha256");
  const auto older = from_document(document);
  REQUIRE(older.has_value());
  device.saved = *older;
  device.restart();
  device.machine.command(update());
  CHECK(device.machine.next().kind == Kind::kCheck);
}

TEST_CASE("a cancel stops a job before the switch and is too late after it", "[agent]") {
  Device device;
  device.machine.command(update());
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

TEST_CASE("a cancel of a job that never came is answered", "[agent]") {
  Device device;
  Command cancel;
  cancel.type = Command::Type::kCancel;
  cancel.job = "job-9";
  device.machine.command(cancel);
  CHECK(device.last_report().state == JobState::kCancelled);
}

TEST_CASE("a job that has ended at the server is given up, but an armed image goes on", "[agent]") {
  Device device;
  device.machine.command(update());
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

TEST_CASE("a rollback returns to the image before, once there is one", "[agent]") {
  Device device;
  Command rollback;
  rollback.type = Command::Type::kRollback;
  device.machine.command(rollback);
  CHECK(device.machine.next().kind == Kind::kWait);
  device.machine.command(update());
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  REQUIRE(device.current == Slot::kB);
  device.machine.command(rollback);
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  CHECK(device.current == Slot::kA);
  CHECK(device.saved.confirmed == kOld);
  CHECK(device.saved.fallback_sha256 == kNew.sha256);
  CHECK(device.saved.highest == kNew.version);
  CHECK(device.saved.previous == kNew);
}

TEST_CASE("a rollback into an unhealthy image comes back", "[agent]") {
  Device device;
  device.machine.command(update());
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  Command rollback;
  rollback.type = Command::Type::kRollback;
  device.machine.command(rollback);
  device.step_until(Kind::kProbe);
  device.step(failure("health.failed"));
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  CHECK(device.current == Slot::kB);
  CHECK(device.saved.confirmed == kNew);
  CHECK_FALSE(device.saved.previous);
}

TEST_CASE("a power cut before any action loses no step and invents none", "[agent]") {
  for (int cut = 0; cut < 12; ++cut) {
    Device device;
    device.machine.command(update());
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
  Device device;
  device.machine.command(update());
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
  Device device;
  for (int i = 0; i < 100; ++i) {
    device.machine.command(update("job-" + std::to_string(i)));
    device.step_until(Kind::kVerify);
    device.step(failure("image.hash"));
  }
  CHECK(device.saved.outbox.size() <= 64);
  for (const QueuedReport& entry : device.saved.outbox)
    CHECK(model::is_final(entry.report.state));
}

TEST_CASE("the state document is the same after a round trip", "[agent]") {
  Device device;
  device.machine.command(update());
  device.machine.clock_floor(*parse_rfc3339("2026-01-02T03:04:05Z"));
  device.save();
  for (int i = 0; i < 20 && device.machine.next().kind != Kind::kWait; ++i) {
    const Json document = to_document(device.saved);
    const auto again = from_document(document);
    REQUIRE(again.has_value());
    CHECK(to_document(*again) == document);
    device.step(i == 6 ? Outcome(failure("health.failed")) : Outcome());
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
  Device device;
  Command first = update();
  first.word = "word";
  first.nonce = std::string(32, '1');
  device.machine.command(first);
  CHECK(device.machine.next().word == "word");
  CHECK(device.machine.next().job == "job-1");
  device.step_until(end_at);
  device.restart();  // goes on with the same word
  device.step_until(end_at);
  if (end_at == Kind::kDownload) device.step(failure("download"));
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  device.restart();

  Command again = update("job-2");
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

TEST_CASE("words that were never found good push none out of the memory of used ones", "[agent]") {
  Device device;
  Command good = update();
  good.nonce = std::string(32, '1');
  device.machine.command(good);
  device.step();
  device.step(failure("download"));
  for (int i = 0; i < 200; ++i) {
    Command forged = update("job-" + std::to_string(i + 10));
    forged.nonce = std::string(28, 'f') + std::to_string(1000 + i);
    device.machine.command(forged);
    device.step(failure("tuf.unsigned-job"));
  }
  CHECK(device.saved.spent == std::vector<std::string>{good.nonce});
}
