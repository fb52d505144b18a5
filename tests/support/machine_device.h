// A device around the update machine: what it saves, which slot boots, and an image before and
// after.
#pragma once

#include "agents/update_machine.h"

namespace ota::agent::test {

inline const model::Image kOld{model::Version(2, 1, 4), std::string(64, 'a')};
inline const model::Image kNew{model::Version(2, 1, 5), std::string(64, 'b')};

inline UpdateState factory_state() {
  UpdateState state;
  state.confirmed = kOld;
  state.highest = kOld.version;
  return state;
}

inline MachineOptions machine_options() {
  MachineOptions options;
  options.hardware = "sim-a";
  options.max_download_tries = 3;
  return options;
}

inline Command update_command(const std::string& job = "job-1", int attempt = 1) {
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

inline Failure failed_with(const std::string& code, Failure::Again again = Failure::Again::kNever) {
  return {code, "a reason", again};
}

inline Command rollback_command() {
  Command command;
  command.type = Command::Type::kRollback;
  return command;
}

// A device whose durable state is what the machine said last: boot() anew is a power cut.
struct MachineDevice {
  UpdateState saved = factory_state();
  Slot current = Slot::kA;
  UpdateMachine machine{saved, machine_options()};

  MachineDevice() { machine.boot(current); }
  void save() {
    saved = machine.state();
    machine.saved();
  }
  void restart() {
    machine = UpdateMachine(saved, machine_options());
    machine.boot(current);
    save();
  }
  // Performs the next action with this outcome and saves.
  Action::Kind step(const Outcome& outcome = {}) {
    save();
    const Action action = machine.next();
    if (action.kind == Action::Kind::kSwitch && !outcome) current = action.slot;
    machine.done(action.ticket, outcome);
    save();
    if (action.kind == Action::Kind::kRestart && !outcome) restart();
    return action.kind;
  }
  void step_until(Action::Kind kind) {
    while (machine.next().kind != kind)
      step();
  }
  model::JobReport last_report() const { return machine.state().outbox.back().report; }
};

}  // namespace ota::agent::test
