// What the agent has of the process that it runs in: threads, places to wait at, randomness, and
// the way to its server.
//
// All of it is injected, so that whole agents run in a simulator (src/world) on virtual time, many
// in one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/wait_point.h"
#include "http/requester.h"

namespace ota::agent {

// A body that was started; its destructor waits for the body's end.
class Running {
 public:
  virtual ~Running() = default;
};

struct Runtime {
  std::function<std::unique_ptr<Running>(std::function<void()> body)> start;
  std::function<std::shared_ptr<WaitPoint>()> wait_point;
  std::function<Bytes(std::size_t count)> random;
  http::Connect connect;
  std::function<void(const std::string& line)> print;  // a line for people
  Disk* disk = &real_disk();                           // the device's

  std::uint32_t seed() const;
};

// Threads, the operating system's randomness, TLS, standard output.
Runtime this_process();

}  // namespace ota::agent
