// How an agent of this host is, which the console starts and watches. A plain value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace ota::model {

struct AgentStatus {
  std::string id;
  enum class Phase : std::uint8_t { kStopped, kStarting, kRunning, kBackoff, kFailed };
  Phase phase = Phase::kStopped;
  int pid = 0;
  unsigned restarts = 0;
  WallTime since;
  WallTime next_try;
  std::string last_exit;            // "exit 1", "signal 9"
  std::vector<std::string> output;  // last lines, printable
};

}  // namespace ota::model
