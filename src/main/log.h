// Where a headless console says what happens: standard error, one line an event, as journald likes
// it.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "fleet/snapshot.h"

namespace ota::main {

// Prints the events of successive snapshots, each once. Thread: one at a time.
class EventLog {
 public:
  // Colourless lines; with the syslog level prefix "<N>" where standard error goes to the journal.
  // What comes before the first event of `since` or later is not printed.
  explicit EventLog(WallTime since);
  void print_new(const fleet::Snapshot& snapshot);

 private:
  bool journal_;
  WallTime since_;
  bool begun_ = false;
  std::uint64_t printed_ = 0;
};

}  // namespace ota::main
