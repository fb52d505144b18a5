// Waits at the server for commands (a long poll) and hands them to the engine.
//
// Thread: run() on its own; stop() from any.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "agents/engine.h"
#include "agents/identity.h"
#include "agents/uplink.h"
#include "http/client.h"

namespace ota::agent {

class Poller {
 public:
  Poller(const http::ClientOptions& options, Engine& engine, Uplink& uplink,
         std::function<void(const std::string&)> say);

  void run();
  void stop();

 private:
  // One poll; kInvalid, kUnavailable and so on where it was in vain.
  Result<void> poll();
  void hand_over(const std::vector<Command>& commands);
  // True where stop() came meanwhile.
  bool pause(milliseconds time);

  Engine& engine_;
  Uplink& uplink_;
  std::function<void(const std::string&)> say_;
  http::Client client_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
};

}  // namespace ota::agent
