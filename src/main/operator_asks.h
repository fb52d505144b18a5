// What the operator asks of the host itself, kept until the host's thread comes to it: another port
// than console.json's, and the demonstration. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/mutex.h"
#include "base/result.h"

namespace ota::main {

class OperatorAsks {
 public:
  using Done = std::function<void(const Result<void>&)>;

  // Stands in for the port that console.json has when it is first tried.
  void listen_on(std::uint16_t port);
  // The port to listen on where console.json says `configured`. An edit of that is a later word
  // than the operator's.
  std::uint16_t port_for(std::uint16_t configured);

  // False where one is asked for already; `done` is left as it is then.
  bool demonstration(Done& done);
  // Empty where none is asked for.
  Done take_demonstration();

 private:
  struct OtherPort {
    std::uint16_t port = 0;
    std::optional<std::uint16_t> in_place_of;  // none: not tried yet
  };
  Mutex mutex_;
  std::optional<OtherPort> other_port_ OTA_GUARDED_BY(mutex_);
  Done demonstration_ OTA_GUARDED_BY(mutex_);
};

}  // namespace ota::main
