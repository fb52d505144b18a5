// Child agents of this host: start, watch, restart with back-off, stop with grace.
//
// Each child has a clean signal mask, a process group of its own, stdin from /dev/null, a death
// signal (SIGTERM when the console dies), and its output read line by line into a bounded buffer.
// No orphan is left, however the console ends. Works in a thread of its own; Thread: all calls from
// any.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "fleet/snapshot.h"
#include "model/agent_status.h"
#include "model/event.h"
#include "model/settings.h"

namespace ota::supervisor {

struct ChildSpec {
  std::string id;
  std::filesystem::path program;
  std::vector<std::string> arguments;
  bool operator==(const ChildSpec&) const = default;
};

struct SupervisorOptions {
  milliseconds first_backoff{500};
  milliseconds longest_backoff{30000};
  milliseconds healthy_after{10000};  // a child that ran this long starts its back-off anew
  milliseconds stop_grace{3000};      // SIGTERM, then SIGKILL
  std::size_t lines_kept = 200;
  unsigned give_up_after = 0;  // failed starts in a row; 0: never
};

class Supervisor {
 public:
  // `record` gets an event for each start, exit and stop.
  Supervisor(SupervisorOptions options, const Clock& clock,
             std::function<void(model::Event)> record);
  ~Supervisor();  // stops all children

  // Starts new ones, starts those anew that are specified otherwise, stops those that are gone.
  void set_children(std::vector<ChildSpec> children);
  void start(const std::string& id);
  void restart(const std::string& id);
  void stop(const std::string& id);
  // Returns when every child is gone, or one second after the grace: what not even SIGKILL ends
  // (a process that waits for a dead disk) must not hold the console.
  void stop_all();
  std::shared_ptr<const std::vector<model::AgentStatus>> status() const;
  void on_change(std::function<void()> called);
  // The wall clock jumped by so much: the times in status() that spans are measured from move
  // along.
  void clock_moved(milliseconds jump);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::supervisor
