// What the listeners did since it was last asked, about a second ago, for the screen. Thread: one.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "fleet/snapshot.h"
#include "http/server.h"
#include "model/server_status.h"

namespace ota::main {

class RateMeter {
 public:
  explicit RateMeter(const Clock& clock) : clock_(clock), measured_at_(clock.mono()) {}

  // Once a second: true where it is time for another measure().
  bool due();
  // `all`: of all listeners together, since they began.
  void measure(const http::ServerStats& all, model::ServerStatus& status);

 private:
  const Clock& clock_;
  MonoTime next_{};
  MonoTime measured_at_;
  std::uint64_t requests_before_ = 0;
};

}  // namespace ota::main
