// Which handler answers which request, and who may call it: an explicit table, walked by a test.
//
// Immutable once the server has it; any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace ota::http {

// Called on an io thread: must not block. Answers through the Responder, at once or later.
using Handler = std::function<void(const Request&, Responder)>;

// kAnyone: also without a certificate. kDevice: a device, for itself (the handler takes the id from
// the peer). kLoopbackOrOperator: /metrics.
enum class Access : std::uint8_t {
  kAnyone,
  kDevice,
  kOperator,
  kDeviceOrOperator,
  kLoopbackOrOperator
};

// Called on an io thread at a request's head, before its body is read: it must not block. Nothing:
// go on; else the answer.
using HeadCheck = std::function<std::optional<Response>(const Request&)>;

struct Route {
  Method method = Method::kGet;
  std::string pattern;  // "/v1/jobs/{id}/report"; "{rest...}" at the end matches several segments
  Access access = Access::kOperator;
  Handler handler;
  bool large_body = false;  // limits.import_bytes instead of limits.body_bytes
  // Of a body so much is kept, and the rest is read and dropped; 0: all of it.
  std::uint32_t kept_body = 0;
  // Where callers are known by something else than a certificate: who it is, before a body is read.
  // A caller that it has not made known (Request::speaks_for) stays a stranger, with a stranger's
  // limits.
  HeadCheck check_head = {};
  // Also for a device whose certificate has ended, where ServerHooks::admit_ended allows it.
  bool ended_certificate = false;
};

struct Match {
  const Route* route = nullptr;
  std::vector<std::string_view> params;
  bool path_known = false;  // some route has this path with another method: 405, not 404
};

class Router {
 public:
  void add(Route route);  // before the server starts
  // A literal pattern is found before one with parameters; among those the first added wins. HEAD
  // finds GET's route. `path` must outlive the match.
  Match match(Method method, std::string_view path) const;
  // "GET, HEAD": what Allow says in a 405 (RFC 9110 section 15.5.6).
  std::string allowed_methods(std::string_view path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> literals_;  // into routes_
  std::vector<std::size_t> patterns_;                                      // into routes_
};

// Whether this peer may call a route at all; the reason where not (401 without a certificate, else
// 403).
Result<void> authorize(Access access, const Peer& peer);

}  // namespace ota::http
