// What the io threads and connections of one server have in common.
//
// Thread: any; each member says or is its own promise.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "http/connection_places.h"
#include "http/file_pool.h"
#include "http/rate_limit.h"
#include "http/router.h"
#include "http/server.h"
#include "http/tls_context.h"

namespace ota::http {

struct Counters {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused_handshakes{0};
  std::atomic<std::uint64_t> errors_4xx{0};
  std::atomic<std::uint64_t> errors_5xx{0};
  std::atomic<std::uint64_t> limited{0};

  static void add(std::atomic<std::uint64_t>& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
  }
};

struct ServerShared {
  ServerShared(std::shared_ptr<const Router> routes, ServerHooks called, TlsContext context)
      : router(std::move(routes)), hooks(std::move(called)) {
    set_tls(std::move(context));
  }

  const std::shared_ptr<const Router> router;
  const ServerHooks hooks;
  RateBuckets buckets;
  Pacer downloads;
  ConnectionPlaces places;
  BodyMemory bodies;
  EventLimit refusals{3, seconds(1)};  // reports a second of one address
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> last_connection{0};

  // Last: its threads end before what their jobs use.
  FilePool files;

  // The context of new connections; the ones that are open keep theirs.
  std::shared_ptr<const TlsContext> tls() const {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }
  void set_tls(TlsContext context) {
    auto fresh = std::make_shared<const TlsContext>(std::move(context));
    const std::lock_guard lock(tls_mutex_);
    tls_ = std::move(fresh);
  }

  // Strangers met a limit: tells the hook, at most a few times a second for each address.
  void crowded(Counters& counters, const std::string& address, const std::string& what,
               MonoTime now) {
    Counters::add(counters.limited);
    if (hooks.crowded && refusals.take(address, now)) hooks.crowded(address, what);
  }

  // Tells the hook, at most a few times a second for each address.
  void refused(Counters& counters, const std::string& address, const std::string& reason,
               MonoTime now) {
    Counters::add(counters.refused_handshakes);
    if (reason.empty() || !hooks.handshake_refused) return;
    if (refusals.take(address, now)) hooks.handshake_refused(address, reason);
  }

 private:
  mutable std::mutex tls_mutex_;
  std::shared_ptr<const TlsContext> tls_;
};

}  // namespace ota::http
