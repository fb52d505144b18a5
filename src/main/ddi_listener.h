// The listener for devices that speak hawkBit's DDI, where console.json asks for one: its own
// service and server, so that the other one stays TLS 1.3 and mutual.
//
// Thread: one, the host's; disconnect() and apply() from any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/server.h"
#include "model/settings.h"

namespace ota::ddi {
class Service;
}
namespace ota::fleet {
class Fleet;
}
namespace ota::pki {
class Authority;
struct ServerIdentity;
}  // namespace ota::pki

namespace ota::main {

class DdiListener {
 public:
  // Null: console.json asks for none. What is passed by reference outlives the listener.
  static std::unique_ptr<DdiListener> make(const model::ConsoleSettings& console,
                                           fleet::Fleet& fleet, const pki::Authority& authority,
                                           const std::filesystem::path& firmware,
                                           const Clock& clock, http::ServerHooks hooks);
  ~DdiListener();

  Result<void> start();

  std::uint16_t port() const;
  http::ServerStats stats() const;
  void disconnect(const std::string& device);
  void apply(const model::ConsoleSettings& console);
  Result<void> set_identity(const pki::ServerIdentity& identity);
  // Parked polls are answered, running downloads get this long.
  void drain(milliseconds patience);

 private:
  DdiListener(fleet::Fleet& fleet, const Clock& clock, const std::filesystem::path& firmware);

  std::unique_ptr<ddi::Service> service_;
  std::unique_ptr<http::Server> server_;  // goes first: it calls the service
};

}  // namespace ota::main
