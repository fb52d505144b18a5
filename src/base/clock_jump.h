// Finds out that the wall clock of this host jumped: by how much it and the monotonic clock went
// apart since the last look. Spans that reach over a jump are known to be wrong; who keeps stamps
// to measure spans by moves them along.
//
// Thread: one at a time.
#pragma once

#include <optional>

#include "base/clock.h"

namespace ota {

class ClockJump {
 public:
  explicit ClockJump(const Clock& clock) : clock_(clock) {}

  // Positive: ahead. None where the clocks agree within 5 s, and at the first look.
  std::optional<milliseconds> look();

 private:
  const Clock& clock_;
  bool looked_ = false;
  MonoTime mono_before_{};
  WallTime wall_before_{};
};

// The stamp as the clock would have written it had it always gone as it does since the jump, which
// was noticed at `now`. "Never" stays never; what was stamped after the jump, within the 2 s in
// which it is noticed, is of the new time already.
WallTime after_jump(WallTime stamp, milliseconds jump, WallTime now);

}  // namespace ota
