// The server's time as its answers tell it, for stamping readings: a device whose own clock is off
// would otherwise send what nobody can use.
//
// Only readings are stamped by it. What must not be put off by a server that lies about the time,
// the ends of signed metadata and of certificates, goes by the device's own clock.
//
// Pure. Thread: one at a time; off() from any.
#pragma once

#include <atomic>
#include <optional>

#include "base/clock.h"

namespace ota::agent {

class ServerTime {
 public:
  // An answer named `date` (whole seconds) as its time. It was asked for at `asked` and there at
  // `answered`, when this device's own clock showed `own`.
  void heard(WallTime date, MonoTime asked, MonoTime answered, WallTime own);
  // How far this device's clock is ahead of the server's, negative: behind; none while the two
  // agree within 5 s, or nothing is known.
  std::optional<seconds> off() const;
  // What a reading taken at `at`, when the own clock showed `own`, is stamped with: the server's
  // time where the own clock is off.
  WallTime stamp(MonoTime at, WallTime own) const;

 private:
  static constexpr seconds::rep kAgrees = 0;
  // The server's clock showed `server_` at `at_`.
  bool known_ = false;
  MonoTime at_{};
  WallTime server_{};
  std::atomic<seconds::rep> off_{kAgrees};
};

}  // namespace ota::agent
