// What the io threads and connections of one server have in common.
//
// Thread: any; each member says or is its own promise.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

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
      : router(std::move(routes)), hooks(std::move(called)), tls(std::move(context)) {}

  const std::shared_ptr<const Router> router;
  const ServerHooks hooks;
  const TlsContext tls;
  RateBuckets buckets;
  Pacer downloads;
  AddressCounts addresses;
  EventLimit refusals{3, seconds(1)};  // reports a second of one address
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> last_connection{0};

  // Connections that are open; `none_left` is notified when the last one goes.
  std::mutex open_mutex;
  std::condition_variable none_left;
  std::uint32_t open = 0;

  // Last: its threads end before what their jobs use.
  FilePool files;

  // A connection begins: false, and not counted, where there are too many.
  bool entered(const std::string& address, const model::ServerLimits& limits) {
    const std::lock_guard lock(open_mutex);
    if (open >= limits.connections) return false;
    if (!addresses.enter(address, limits.connections_per_address)) return false;
    ++open;
    return true;
  }
  void left(const std::string& address) {
    addresses.leave(address);
    const std::lock_guard lock(open_mutex);
    if (--open == 0) none_left.notify_all();
  }

  // Tells the hook, at most a few times a second for each address.
  void refused(Counters& counters, const std::string& address, const std::string& reason,
               MonoTime now) {
    Counters::add(counters.refused_handshakes);
    if (reason.empty() || !hooks.handshake_refused) return;
    if (refusals.take(address, now)) hooks.handshake_refused(address, reason);
  }
};

}  // namespace ota::http
