// A server on a free port with an authority of its own, test routes and clients' identities.
//
// Thread: the test's; what handlers leave behind is guarded.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"
#include "http/server.h"
#include "pki/authority.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

namespace ota::test {

class HttpRig {
 public:
  // Waits long enough for a busy machine; a test that passes never uses it up.
  static constexpr milliseconds kPatience{10'000};

  explicit HttpRig(http::ServerOptions options = {});
  ~HttpRig();

  std::uint16_t port() const { return server_->port(); }
  http::Server& server() { return *server_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

  Identity device(const std::string& name);
  Identity expired_device(const std::string& name);
  Identity foreign_device(const std::string& name);  // by another authority
  Identity by_operator() const;
  Identity server_as_client() const;  // the server's own certificate, made for servers

  // A device that is refused from now on, with this reason.
  void revoke(const std::string& name);

  // Waits until `count` requests to /v1/wait are parked, and takes their Responders.
  std::vector<http::Responder> take_parked(std::size_t count);
  // Waits until a handshake was refused for exactly this reason; or "ADDRESS: WHAT" of strangers
  // that met a limit.
  bool refused_for(const std::string& reason);
  std::size_t closed_while_parked();
  // Waits until `condition` holds; false after the patience.
  bool eventually(const std::function<bool()>& condition);

 private:
  void add_routes(http::Router& router);

  TempFolder folder_;
  SystemClock clock_;
  std::unique_ptr<pki::Authority> authority_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<http::Responder> parked_;
  std::vector<std::string> reasons_;
  std::vector<std::string> revoked_;
  std::size_t closed_ = 0;
  std::unique_ptr<http::Server> server_;
};

// A client that has shaken hands; throws where it was refused.
inline TlsClient connected(HttpRig& rig, const Identity& identity = {}) {
  TlsClient client(rig.port(), identity);
  if (!client.handshake()) throw std::runtime_error("handshake: " + client.failure());
  return client;
}

}  // namespace ota::test
