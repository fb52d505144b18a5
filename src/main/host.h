// The server side of `ota-console`, wired: configuration, keys, firmware, store, fleet, HTTPS
// server, local agents.
//
// Everything runs in a background thread that start() makes, so the screen can paint before any of
// it is up. Each part that fails (port taken, database locked) is shown as the server's state and
// tried again. Shutdown order: no new requests, agents stopped, running answers finished, store
// flushed and closed.
//
// Thread: start, stop and the destructor from one thread; the rest from any.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "fleet/snapshot.h"

namespace ota::fleet {
class Fleet;
}
namespace ota::store {
class Store;
}
namespace ota::supervisor {
class Supervisor;
}

namespace ota::main {

struct HostOptions {
  std::filesystem::path root = ".";
  bool run_agents = true;               // supervise the agents of console.json
  std::filesystem::path agent_program;  // ota-agent
};

class Host {
 public:
  Host(HostOptions options, const Clock& clock);
  ~Host();  // stops

  void start();
  // Drains and ends within about 5 s.
  void stop();

  fleet::ServerStatus status() const;
  // Null until the store is open and loaded.
  std::shared_ptr<fleet::Fleet> fleet() const;
  std::shared_ptr<store::Store> store() const;
  std::shared_ptr<supervisor::Supervisor> supervisor() const;
  // Called from any thread when something that a screen shows has changed.
  void on_change(std::function<void()> called);
  // Waits until the server serves (its port) or start-up failed for good (the reason), at most
  // `patience`.
  Result<std::uint16_t> wait_ready(milliseconds patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::main
