#include "tests/support/catch.h"
#include "tests/support/machine_device.h"

using namespace ota;
using namespace ota::agent;
using namespace ota::agent::test;
using model::JobState;
using Kind = Action::Kind;

TEST_CASE("an unhealthy image is left for the old slot, and rolled back is said after the way back",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kProbe);
  device.step(failed_with("health.failed"));
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
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kProbe);
  device.restart();
  CHECK(device.machine.next().kind == Kind::kProbe);
  device.restart();
  CHECK(device.machine.next().kind == Kind::kProbe);
  device.restart();
  CHECK(device.machine.next().kind == Kind::kSwitch);
  CHECK(device.machine.running() == kNew);
  device.step();
  CHECK(device.current == Slot::kA);
  CHECK(device.step() == Kind::kRestart);  // what runs still is the new image
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.last_report().state == JobState::kRolledBack);
  CHECK(device.last_report().error_code == "boot.unconfirmed");
}

TEST_CASE("a switch or restart that fails ends as failed, not as rolled back", "[agent]") {
  const auto kind = GENERATE(Kind::kSwitch, Kind::kRestart);
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(kind);
  device.step(failed_with("io"));
  CHECK(device.step() == Kind::kSwitch);
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.current == Slot::kA);
  CHECK(device.last_report().state == JobState::kFailed);
  // What never ran was not fallen back from: the release may be tried again.
  CHECK(device.saved.fallback.empty());
  CHECK(device.saved.fallback_sha256.empty());
}

TEST_CASE("a way back that fails is tried until it goes, and what hinders it is told once",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kProbe);
  device.step(failed_with("health.failed"));
  (void)device.machine.take_notices();
  const auto hindered = GENERATE(Kind::kSwitch, Kind::kRestart);
  device.step_until(hindered);
  for (int i = 0; i < 5; ++i)
    CHECK(device.step(failed_with("io")) == hindered);
  CHECK(device.machine.next().delay > std::chrono::seconds(0));
  CHECK(device.machine.take_notices() ==
        std::vector<std::string>{"cannot go back yet, trying again (io: a reason)"});
  CHECK(device.last_report().state == JobState::kConfirming);
  device.step_until(Kind::kWait);
  CHECK(device.current == Slot::kA);
  CHECK(device.last_report().state == JobState::kRolledBack);
}

TEST_CASE("only a way back asks for what the installer replaced", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kSwitch);
  CHECK_FALSE(device.machine.next().revert);
  device.step_until(Kind::kProbe);
  SECTION("from an image that does not hold") {
    device.step(failed_with("health.failed"));
    CHECK(device.machine.next().revert);
    CHECK(device.machine.next().slot == Slot::kA);
  }
  SECTION("by the operator's rollback") {
    device.step();
    device.machine.command(rollback_command());
    CHECK(device.step() == Kind::kCheckBack);
    CHECK(device.machine.next().kind == Kind::kSwitch);
    CHECK(device.machine.next().revert);
    CHECK(device.machine.next().slot == Slot::kA);
  }
}

TEST_CASE("where nothing can give an image back, the operator's rollback is refused", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kWait);
  MachineOptions given = machine_options();
  given.can_roll_back = false;
  UpdateMachine machine(device.saved, given);
  machine.boot(device.current);
  machine.command(rollback_command());
  CHECK(machine.next().kind == Kind::kWait);
  CHECK(machine.take_notices() ==
        std::vector<std::string>{"cannot roll back: installer.rollback is not set"});
}

TEST_CASE("a rollback returns to the image before, once there is one", "[agent]") {
  MachineDevice device;
  device.machine.command(rollback_command());
  CHECK(device.machine.next().kind == Kind::kWait);
  device.machine.command(update_command());
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  REQUIRE(device.current == Slot::kB);
  device.machine.command(rollback_command());
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  CHECK(device.current == Slot::kA);
  CHECK(device.saved.confirmed == kOld);
  CHECK(device.saved.fallback_sha256 == kNew.sha256);
  CHECK(device.saved.highest == kNew.version);
  CHECK(device.saved.previous == kNew);

  // Told again because the server has not heard of it: it does not go forth again.
  Command again = rollback_command();
  again.from = kNew.sha256;
  device.machine.command(again);
  CHECK(device.machine.next().kind == Kind::kWait);
  again.from = kOld.sha256;
  device.machine.command(again);
  CHECK(device.step() == Kind::kCheckBack);
  CHECK(device.machine.next().kind == Kind::kSwitch);
}

TEST_CASE("a rollback whose word is not good changes nothing and is told to the server",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kWait);
  Command asked = rollback_command();
  asked.from = kNew.sha256;
  asked.word = "a word";
  device.machine.command(asked);
  const Action action = device.machine.next();
  CHECK(action.kind == Kind::kCheckBack);
  CHECK(action.from == kNew.sha256);
  CHECK(action.image == kOld);
  CHECK(action.word == "a word");
  CHECK(device.machine.busy());
  device.machine.command(update_command("job-2"));  // one at a time
  CHECK_FALSE(device.machine.state().job);
  device.step(failed_with("tuf.unsigned-job"));
  CHECK_FALSE(device.machine.busy());
  CHECK(device.current == Slot::kB);
  const auto unheeded = device.machine.take_unheeded();
  REQUIRE(unheeded);
  CHECK(unheeded->from == kNew.sha256);
  CHECK(unheeded->why == "tuf.unsigned-job: a reason");
  CHECK(device.machine.take_notices().back() == "cannot roll back: tuf.unsigned-job: a reason");
  device.machine.command(asked);
  device.step(failed_with("tuf.unsigned-job"));
  CHECK(device.machine.take_notices().empty());  // said once
}

TEST_CASE("no order takes a device below a signed floor, the fall-back of a trial does",
          "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kDownload);
  device.machine.version_floor(kNew.version);
  SECTION("an operator's rollback") {
    device.step_until(Kind::kWait);
    REQUIRE(device.saved.confirmed == kNew);
    device.restart();  // the floor is durable
    device.machine.command(rollback_command());
    CHECK(device.machine.next().kind == Kind::kWait);
    CHECK(device.machine.take_unheeded()->why == "v2.1.4 is below the signed floor v2.1.5");
  }
  SECTION("an image that does not hold") {
    device.step_until(Kind::kProbe);
    device.step(failed_with("health.failed"));
    device.step_until(Kind::kWait);
    CHECK(device.saved.confirmed == kOld);
    CHECK(device.current == Slot::kA);
  }
}

TEST_CASE("a word for a rollback counts once", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  device.step_until(Kind::kWait);
  Command asked = rollback_command();
  asked.nonce = "n";
  device.machine.command(asked);
  device.step_until(Kind::kWait);
  REQUIRE(device.saved.confirmed == kOld);
  device.machine.command(asked);
  CHECK(device.machine.next().kind == Kind::kWait);
  CHECK(device.machine.take_unheeded()->why.starts_with("tuf.replayed-job"));
}

TEST_CASE("restarts that a server can cause are limited by the hour, whatever the clock does",
          "[agent]") {
  MachineDevice device;
  const WallTime start = *parse_rfc3339("2026-08-20T12:00:00Z");
  device.machine.clock(start);
  device.machine.command(update_command());
  device.step_until(Kind::kWait);
  unsigned restarts = 1;
  const auto go_back = [&](WallTime now) {
    device.machine.clock(now);
    device.machine.command(rollback_command());
    const bool armed = device.machine.next().kind == Kind::kCheckBack;
    device.step_until(Kind::kWait);
    return armed;
  };
  for (; restarts < machine_options().restarts_per_hour; ++restarts)
    CHECK(go_back(start + std::chrono::minutes(restarts)));
  CHECK_FALSE(go_back(start + std::chrono::minutes(59)));
  CHECK(device.machine.take_unheeded()->why.starts_with("restart.limit"));
  Command newer = update_command("job-2");
  newer.release.version = model::Version(2, 1, 6);
  newer.release.sha256 = std::string(64, 'c');
  device.machine.command(newer);
  CHECK(device.last_report().error_code == "restart.limit");
  CHECK(go_back(start + std::chrono::minutes(60)));        // the first one is an hour ago
  CHECK_FALSE(go_back(start - std::chrono::hours(9000)));  // set back: they count as of now
  CHECK(go_back(start - std::chrono::hours(8998)));
}

TEST_CASE("a rollback into an unhealthy image comes back", "[agent]") {
  MachineDevice device;
  device.machine.command(update_command());
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  device.machine.command(rollback_command());
  device.step_until(Kind::kProbe);
  device.step(failed_with("health.failed"));
  while (device.machine.next().kind != Kind::kWait)
    device.step();
  CHECK(device.current == Slot::kB);
  CHECK(device.saved.confirmed == kNew);
  CHECK_FALSE(device.saved.previous);
}
