// A page on 127.0.0.1 for whoever stands at the device: GET / answers with JSON. One request at a
// time, bounded in size and time; nothing can be changed through it.
//
// Thread: one (the main loop's).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ota::agent {

class StatusPage {
 public:
  // Listens on 127.0.0.1:`port`. kExists where another program has the port.
  static Result<StatusPage> open(std::uint16_t port, std::function<std::string()> content);

  int fd() const { return listener_.get(); }  // readable: call serve()
  std::uint16_t port() const { return port_; }
  // Takes one connection and answers it; gives up after a quarter of a second.
  void serve();

 private:
  StatusPage(FileDescriptor listener, std::uint16_t port, std::function<std::string()> content)
      : listener_(std::move(listener)), port_(port), content_(std::move(content)) {}

  FileDescriptor listener_;
  std::uint16_t port_;
  std::function<std::string()> content_;
};

}  // namespace ota::agent
