// Waits at the server for commands (a long poll) and hands them to the engine.
//
// Thread: run() on its own; stop() from any.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "agents/engine.h"
#include "agents/identity.h"
#include "agents/poll_pace.h"
#include "agents/runtime.h"
#include "agents/uplink.h"
#include "http/requester.h"

namespace ota::agent {

class Poller {
 public:
  // `boot`: this start of the device, by which the server knows two devices with one identity.
  Poller(const http::ClientOptions& options, const model::BootId& boot, Engine& engine,
         Uplink& uplink, const Clock& clock, std::function<void(const std::string&)> say,
         const Runtime& runtime);

  void run();
  void stop();

 private:
  // One poll, and how long to pause after it.
  milliseconds poll();
  Result<std::vector<Command>> ask();
  // How many of them changed what the device has to save.
  unsigned hand_over(const std::vector<Command>& commands);
  void tell_once(const std::string& problem);
  // True where stop() came meanwhile.
  bool pause(milliseconds time);

  Engine& engine_;
  Uplink& uplink_;
  const Clock& clock_;
  std::function<void(const std::string&)> say_;
  std::string query_;
  std::unique_ptr<http::Requester> client_;
  PollPace pace_;
  std::string told_;  // the problem that people were last told
  std::mutex mutex_;
  std::shared_ptr<WaitPoint> wake_;
  bool stopped_ = false;
};

}  // namespace ota::agent
