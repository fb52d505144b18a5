// The server side of `ota-console`, wired: configuration, keys, firmware, store, fleet, HTTPS
// server, local agents.
//
// Everything runs in a background thread that start() makes, so the screen can paint before any of
// it is up. A part that cannot be opened (port taken, database locked, bad configuration) is shown
// as the server's state, and all of it is tried again. Shutdown order: agents are told to stop
// while running answers finish, then the store is flushed and closed, then the lock of the root is
// released.
//
// Thread: start, stop and the destructor from one thread; the rest from any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/serving.h"
#include "fleet/snapshot.h"
#include "model/server_status.h"

namespace ota::fleet {
class Fleet;
}
namespace ota::store {
class Store;
}
namespace ota::supervisor {
class Supervisor;
}

namespace ota::tuf {
struct TrustPage;
}

namespace ota::main {

// What is there once the store is open; empty pointers before that and after the end. The fleet
// keeps its store alive.
struct HostParts {
  std::shared_ptr<store::Store> store;
  std::shared_ptr<fleet::Fleet> fleet;
  std::shared_ptr<supervisor::Supervisor> supervisor;
};

struct HostOptions {
  std::filesystem::path root = ".";
  bool run_agents = true;               // supervise the agents of console.json
  std::filesystem::path agent_program;  // ota-agent
  std::uint64_t seed = 0;               // added to the seeds of agents that the first run makes
  const ServingMark* mark = nullptr;    // told where the server is reached; outlives the host
};

class Host {
 public:
  Host(HostOptions options, const Clock& clock);
  ~Host();  // stops

  void start();
  // Drains and ends within about 5 s.
  void stop();
  // Ends the wait between two attempts to start.
  void retry_now();
  // The same, on another port than console.json's, until that is edited or this process ends. A
  // server that is up stays where it is.
  void retry_on_port(std::uint16_t port);
  // Starts the demonstration (demonstration.h). `done` is called once, on the host's thread or at
  // once; kUnavailable where the server is not up or this host runs no agents.
  void start_demonstration(std::function<void(const Result<void>&)> done);

  model::ServerStatus status() const;
  HostParts parts() const;
  // For the Keys and trust page; never null.
  std::shared_ptr<const tuf::TrustPage> trust() const;
  // Called from any thread when something that a screen shows has changed.
  void on_change(std::function<void()> called);
  // The port, as soon as the server serves; or why the first attempt failed. kTimeout after
  // `patience`.
  Result<std::uint16_t> wait_ready(milliseconds patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::main
