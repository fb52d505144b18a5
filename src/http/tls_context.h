// The server's side of TLS 1.3 (and 1.2 where the floor says so): certificate, trusted authority,
// session cache.
//
// A client certificate is asked for and not demanded: routes say who may call them. One that is
// presented must be good, else the handshake fails; but one of a device that is good in all and has
// ended is let through where a route is open to it (EndedDevices), so that it can be renewed:
// whoever admits requests looks at its end. Sessions are kept here and not in tickets (one
// cache, bounded), which costs a third less of a handshake in OpenSSL 3.0 and leaves no ticket key
// to rotate; they die with the process. A resumed session shows the same certificate, so whoever
// checks its end and revocation at each request is not dodged.
//
// Thread: any after make().
#pragma once

#include <memory>

#include "base/result.h"
#include "http/server.h"

struct ssl_ctx_st;

namespace ota::pki {
struct ServerIdentity;
}

namespace ota::http {

enum class EndedDevices : std::uint8_t { kRefused, kHeard };

class TlsContext {
 public:
  // kInvalid where certificate, key and authority do not fit each other.
  static Result<TlsContext> make(const pki::ServerIdentity& identity, TlsFloor floor,
                                 EndedDevices ended);
  ssl_ctx_st* native() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace ota::http
