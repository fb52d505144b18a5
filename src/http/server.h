// The HTTPS server: listeners, connections, limits, TLS; it knows no route's meaning.
//
// start() returns after the socket listens; io threads are its own. Every connection has a deadline
// for each phase (handshake, header, body, idle). drain() stops accepting, lets running answers end
// and returns within `patience`. Thread: start, drain and the destructor from one thread; the rest
// from any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/router.h"
#include "model/settings.h"

namespace ota::pki {
struct ServerIdentity;
}

namespace ota::http {

struct ServerStats {
  std::uint64_t requests = 0;
  std::uint64_t connections = 0;  // open now
  std::uint64_t accepted = 0;
  std::uint64_t refused_handshakes = 0;
  std::uint64_t errors_4xx = 0;
  std::uint64_t errors_5xx = 0;
  std::uint64_t limited = 0;     // 429 and connections that had to go
  std::uint64_t strangers = 0;   // of the connections: they have not said who they are
  std::uint64_t body_bytes = 0;  // memory of bodies that are on their way now

  ServerStats& operator+=(const ServerStats& other);
};

// Public clients of the DDI listener may know nothing newer than 1.2.
enum class TlsFloor : std::uint8_t { kTls13, kTls12 };

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::uint32_t threads = 1;
  model::ServerLimits limits;
  TlsFloor tls_floor = TlsFloor::kTls13;
  // Of each connection; 0: as the kernel likes. Small where it matters how much has really gone.
  std::uint32_t send_buffer_bytes = 0;
};

struct ServerHooks {
  // Whether a device's certificate is good now; asked for each request of a device (cheap,
  // thread-safe).
  std::function<Result<void>(const std::string& name, const std::string& serial)> admit_device;
  // The same of an operator's.
  std::function<Result<void>(const std::string& name, const std::string& serial)> admit_operator;
  // Where admit_device is empty because a route says 401 in its own way: whether the certificate
  // makes its connection a known one all the same.
  std::function<Result<void>(const std::string& name, const std::string& serial)> knows_device;
  // The same for a certificate that has ended, at the routes that are open to one (Route). Where no
  // route is, a handshake with such a certificate is refused.
  std::function<Result<void>(const std::string& name, const std::string& serial,
                             const std::string& address)>
      admit_ended;
  // A handshake was refused: the reason in words ("no certificate", "certificate expired", "unknown
  // authority", "TLS version too low") and the address. At most a few a second for each address.
  std::function<void(const std::string& address, const std::string& reason)> handshake_refused;
  // Strangers met a limit of connections ("more than 256 from this address"); as often.
  std::function<void(const std::string& address, const std::string& what)> crowded;
  // A connection has ended; `connection` is what its requests said. On an io thread.
  std::function<void(std::uint64_t connection)> connection_closed;
};

class Server {
 public:
  Server(ServerOptions options, const pki::ServerIdentity& identity,
         std::shared_ptr<const Router> router, ServerHooks hooks);
  ~Server();

  Result<void> start();
  std::uint16_t port() const;  // the bound one
  void apply_limits(const model::ServerLimits& limits);
  // New connections are shown this certificate; the ones that are open go on. After start().
  Result<void> set_identity(const pki::ServerIdentity& identity);
  // Closes all connections that serve this device: by their certificate, or by a route's word.
  void disconnect(const std::string& device);
  ServerStats stats() const;
  void drain(milliseconds patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::http
