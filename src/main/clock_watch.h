// Tells when the wall clock of this host jumped.
//
// Timers follow the monotonic clock, but times on the wire, deadlines and certificates do not: an
// operator has to know. Pure but for the clock that it is given. Thread: one.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"

namespace ota::main {

class ClockWatch {
 public:
  explicit ClockWatch(const Clock& clock) : clock_(clock) {}

  // What to tell the operator where the two clocks went apart by 5 s or more since the last look;
  // none at the first.
  std::optional<std::string> look();

 private:
  const Clock& clock_;
  MonoTime mono_before_{};
  WallTime wall_before_{};
};

}  // namespace ota::main
