// Devices that wait for a command: GET /v1/commands?wait=N.
//
// A poll is parked first and the fleet asked after that, so a command that comes in between is not
// missed. One poll for each device: a newer one takes the older one's place, which is answered 409
// `displaced`. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "fleet/fleet.h"
#include "http/message.h"

namespace ota::api {

class CommandPolls {
 public:
  // Gives the director's word for an update, or nothing where there is none to give. Any thread.
  using Direct = std::function<std::string(const std::string& device, const fleet::Command&)>;

  CommandPolls(fleet::Fleet& fleet, const Clock& clock, Direct direct)
      : fleet_(fleet), clock_(clock), direct_(std::move(direct)) {}

  // Answers with commands as soon as there are any, else 204 after `wait`.
  void poll(const std::string& device, seconds wait, const http::Responder& respond);
  void wake(const std::string& device);
  void end_overdue();
  void close();

 private:
  struct Parked {
    std::uint64_t ticket = 0;
    MonoTime until;
    http::Responder respond;
  };

  void ask(const std::string& device, std::uint64_t ticket);
  void answer(const std::string& device, std::uint64_t ticket, http::Response response);

  fleet::Fleet& fleet_;
  const Clock& clock_;
  Direct direct_;
  Mutex mutex_;
  std::unordered_map<std::string, Parked> parked_ OTA_GUARDED_BY(mutex_);
  std::uint64_t next_ticket_ OTA_GUARDED_BY(mutex_) = 1;
  bool closed_ OTA_GUARDED_BY(mutex_) = false;
};

// `word`: the director's for an update; may be empty.
Json command_json(const fleet::Command& command, const std::string& word);

}  // namespace ota::api
