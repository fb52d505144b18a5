// The listener for devices that speak hawkBit's DDI: routes, who may call them, and what one device
// may ask at once. What the documents say is wire's, what the rules are is the fleet's.
//
// A tenant is any name: this server has one. It stands in links as the device spelled it, and so
// does the device's id, which is compared in lower case. Every failure to identify oneself is 401
// and nothing else.
//
// Handlers run on io threads and never block; images are hashed on the worker. Thread: any, after
// construction.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "http/router.h"
#include "http/server.h"
#include "model/settings.h"

namespace ota::fleet {
class Fleet;
}

namespace ota::ddi {

class Service {
 public:
  // `worker` runs what blocks; none: threads of its own.
  Service(fleet::Fleet& fleet, const Clock& clock, std::filesystem::path firmware,
          Executor* worker = nullptr);
  ~Service();

  std::shared_ptr<const http::Router> router() const;
  // For the server's hook of this name.
  void connection_closed(std::uint64_t connection);
  // Lets go what waits for its turn.
  void close();

  // A server's options out of the settings: bodies are never refused for their length, and no
  // device is told 429 for a download.
  static http::ServerOptions server_options(const model::ConsoleSettings& console);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::ddi
