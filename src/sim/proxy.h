// A wire that can be cut: a TCP proxy on loopback between a device and the server.
//
// It knows nothing of what it carries (TLS goes end to end). While cut it accepts nobody and drops
// what is open; while slowed it passes at most so many bytes a second to the device. One thread of
// its own over poll(); Thread: all calls from any.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/result.h"

namespace ota::sim {

enum class Wire { kWhole, kCut };

class Proxy {
 public:
  // Listens on 127.0.0.1, any port.
  static Result<std::unique_ptr<Proxy>> open();
  ~Proxy();

  std::uint16_t port() const;
  // Where new connections go, on 127.0.0.1; 0: refused until it is known.
  void set_target(std::uint16_t port);
  void set_wire(Wire wire);
  // 0: as fast as it goes.
  void set_rate(std::uint64_t bytes_per_second);
  std::uint64_t carried() const;  // bytes to the device so far

 private:
  struct Impl;
  explicit Proxy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::sim
