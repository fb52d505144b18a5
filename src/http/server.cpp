#include "http/server.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <algorithm>

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <utility>
#include <vector>

#include "http/connection.h"
#include "http/io_thread.h"
#include "http/port_holder.h"
#include "http/server_shared.h"
#include "pki/authority.h"

namespace ota::http {
namespace {

namespace asio = boost::asio;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;

// Out of descriptors or memory: accepting is tried again after this.
constexpr milliseconds kAcceptPause{100};
constexpr milliseconds kDrainTick{50};

// Stands for the address where it is not one that crowds.
const std::string kAllAddresses = "many";

// Every connection takes a descriptor; the soft limit of a login shell is 1024.
void allow_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string address_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

Error listen_error(const asio::ip::tcp::endpoint& end, const boost::system::error_code& error) {
  const std::string where = end.address().to_string() + ":" + std::to_string(end.port());
  if (error == asio::error::address_in_use) {
    const std::string holder = port_holder(end.port());
    return fail(Errc::kConflict, "listen on " + where + ": " +
                                     (holder.empty() ? "another program" : holder) +
                                     " listens there");
  }
  return fail_errno(error.value(), "listen on " + where);
}

EndedDevices ended_devices(const Router& router) {
  const bool any = std::ranges::any_of(router.routes(),
                                       [](const Route& route) { return route.ended_certificate; });
  return any ? EndedDevices::kHeard : EndedDevices::kRefused;
}

}  // namespace

struct Server::Impl {
  ServerOptions options;
  pki::ServerIdentity identity;
  std::shared_ptr<const Router> router;
  ServerHooks hooks;

  std::unique_ptr<ServerShared> shared;  // outlives the threads below
  std::vector<std::unique_ptr<IoThread>> threads;
  std::unique_ptr<Acceptor> acceptor;  // the first thread's
  std::unique_ptr<Timer> accept_pause;
  std::size_t next_thread = 0;
  std::uint16_t port = 0;
  bool running = false;
  std::atomic<bool> ready{false};  // `threads` and `shared` stand, and will not change any more

  Result<void> listen();
  void accept();
  void accepted(const boost::system::error_code& error, IoThread& target, Socket socket);
  ConnectionPlaces::PlacePtr place_for(const std::string& address, IoThread& target);
  void stop_accepting();
  void end_threads();
};

Server::Server(ServerOptions options, const pki::ServerIdentity& identity,
               std::shared_ptr<const Router> router, ServerHooks hooks)
    : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->identity = identity;
  impl_->router = std::move(router);
  impl_->hooks = std::move(hooks);
}

Server::~Server() {
  drain(milliseconds(0));
}

Result<void> Server::Impl::listen() {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) return fail(Errc::kInvalid, "listen on " + options.address + ": not an IP address");
  const asio::ip::tcp::endpoint end(address, options.port);
  acceptor = std::make_unique<Acceptor>(threads.front()->context());
  acceptor->open(end.protocol(), error);
  if (error) return listen_error(end, error);
  ::fcntl(acceptor->native_handle(), F_SETFD, FD_CLOEXEC);
  acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (options.send_buffer_bytes > 0) {  // connections inherit it
    acceptor->set_option(
        asio::socket_base::send_buffer_size(static_cast<int>(options.send_buffer_bytes)), error);
  }
  acceptor->bind(end, error);
  if (error) return listen_error(end, error);
  acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(end, error);
  port = acceptor->local_endpoint(error).port();
  if (error) return listen_error(end, error);
  return {};
}

// One acceptor hands connections out in turn. (With SO_REUSEPORT on an acceptor for each thread the
// kernel would spread them, but a second program of the same user could then share the port.)
void Server::Impl::accept() {
  IoThread& target = *threads[next_thread];
  next_thread = (next_thread + 1) % threads.size();
  acceptor->async_accept(target.context(),
                         [this, &target](const boost::system::error_code& error, Socket socket) {
                           accepted(error, target, std::move(socket));
                         });
}

void Server::Impl::accepted(const boost::system::error_code& error, IoThread& target,
                            Socket socket) {
  if (!acceptor->is_open() || error == asio::error::operation_aborted) return;
  if (error) {
    // A client that has gone already is no reason to wait; a lack of descriptors is.
    if (error == asio::error::connection_aborted) {
      accept();
      return;
    }
    accept_pause->expires_after(kAcceptPause);
    accept_pause->async_wait([this](const boost::system::error_code& ended) {
      if (!ended && acceptor->is_open()) accept();
    });
    return;
  }
  Counters& counters = threads.front()->counters();
  Counters::add(counters.accepted);
  boost::system::error_code gone;
  const auto end = socket.remote_endpoint(gone);
  if (!gone) {
    std::string address = address_text(end.address());
    if (const auto place = place_for(address, target)) {
      asio::post(target.context(), [&target, socket = std::move(socket), place,
                                    address = std::move(address)]() mutable {
        target.adopt(std::move(socket), std::move(address), place);
      });
    }
  }
  accept();
}

// The newcomer's place, and the way out for whoever has to make room; null: it is refused.
ConnectionPlaces::PlacePtr Server::Impl::place_for(const std::string& address, IoThread& target) {
  const model::ServerLimits& limits = threads.front()->limits();
  const auto now = std::chrono::steady_clock::now();
  const ConnectionPlaces::Entry entry = shared->places.enter(address, limits, now);
  switch (entry.crowd) {
    case ConnectionPlaces::Crowd::kNone:
      break;
    case ConnectionPlaces::Crowd::kAddress:
      shared->crowded(threads.front()->counters(), address,
                      "more than " + std::to_string(limits.connections_per_address) +
                          " connections from here that do not say who they are",
                      now);
      break;
    case ConnectionPlaces::Crowd::kStrangers:
    case ConnectionPlaces::Crowd::kAll:
      shared->crowded(threads.front()->counters(), kAllAddresses,
                      entry.crowd == ConnectionPlaces::Crowd::kAll
                          ? "all connections are taken; the oldest that do not say who they are go"
                          : "strangers hold their part of the connections; the oldest of them go",
                      now);
      break;
  }
  if (entry.place) entry.place->thread = &target;
  if (entry.out) {
    entry.out->thread->post([out = entry.out] {
      if (out->connection != nullptr) out->connection->close();
    });
  }
  return entry.place;
}

Result<void> Server::start() {
  Impl& impl = *impl_;
  auto tls = TlsContext::make(impl.identity, impl.options.tls_floor, ended_devices(*impl.router));
  if (!tls) return tls.error();
  allow_descriptors();
  impl.shared = std::make_unique<ServerShared>(impl.router, impl.hooks, std::move(*tls));
  const std::uint32_t count = impl.options.threads == 0 ? 1 : impl.options.threads;
  for (std::uint32_t i = 0; i < count; ++i) {
    impl.threads.push_back(std::make_unique<IoThread>(*impl.shared, impl.options.limits));
  }
  if (auto listening = impl.listen(); !listening) {
    impl.acceptor.reset();
    impl.threads.clear();
    impl.shared.reset();
    return listening;
  }
  impl.accept_pause = std::make_unique<Timer>(impl.threads.front()->context());
  impl.ready.store(true, std::memory_order_release);
  impl.accept();
  for (const auto& thread : impl.threads)
    thread->start();
  impl.running = true;
  impl.identity = {};  // its key is the context's now
  return {};
}

Result<void> Server::set_identity(const pki::ServerIdentity& identity) {
  auto tls = TlsContext::make(identity, impl_->options.tls_floor, ended_devices(*impl_->router));
  if (!tls) return tls.error();
  impl_->shared->set_tls(std::move(*tls));
  return {};
}

std::uint16_t Server::port() const {
  return impl_->port;
}

void Server::apply_limits(const model::ServerLimits& limits) {
  if (!impl_->ready.load(std::memory_order_acquire)) {
    impl_->options.limits = limits;
    return;
  }
  for (const auto& thread : impl_->threads) {
    thread->post([&thread = *thread, limits] { thread.set_limits(limits); });
  }
}

void Server::disconnect(const std::string& device) {
  if (!impl_->ready.load(std::memory_order_acquire)) return;
  for (const auto& thread : impl_->threads) {
    thread->post([&thread = *thread, device] { thread.disconnect(device); });
  }
}

ServerStats& ServerStats::operator+=(const ServerStats& other) {
  requests += other.requests;
  connections += other.connections;
  accepted += other.accepted;
  refused_handshakes += other.refused_handshakes;
  errors_4xx += other.errors_4xx;
  errors_5xx += other.errors_5xx;
  limited += other.limited;
  strangers += other.strangers;
  body_bytes += other.body_bytes;
  return *this;
}

ServerStats Server::stats() const {
  ServerStats stats;
  if (!impl_->ready.load(std::memory_order_acquire)) return stats;
  for (const auto& thread : impl_->threads) {
    const Counters& counters = thread->counters();
    stats.requests += counters.requests.load(std::memory_order_relaxed);
    stats.accepted += counters.accepted.load(std::memory_order_relaxed);
    stats.refused_handshakes += counters.refused_handshakes.load(std::memory_order_relaxed);
    stats.errors_4xx += counters.errors_4xx.load(std::memory_order_relaxed);
    stats.errors_5xx += counters.errors_5xx.load(std::memory_order_relaxed);
    stats.limited += counters.limited.load(std::memory_order_relaxed);
  }
  stats.connections = impl_->shared->places.open();
  stats.strangers = impl_->shared->places.strangers();
  stats.body_bytes = impl_->shared->bodies.used();
  return stats;
}

void Server::Impl::stop_accepting() {
  std::promise<void> stopped;
  threads.front()->post([&] {
    boost::system::error_code ignored;
    acceptor->close(ignored);
    accept_pause->cancel();
    stopped.set_value();
  });
  stopped.get_future().wait();
}

void Server::Impl::end_threads() {
  for (const auto& thread : threads)
    thread->post([&thread = *thread] { thread.close_all(); });
  shared->files.stop();
  for (const auto& thread : threads)
    thread->stop();
  for (const auto& thread : threads)
    thread->join();
}

void Server::drain(milliseconds patience) {
  Impl& impl = *impl_;
  if (!std::exchange(impl.running, false)) return;
  impl.stop_accepting();
  impl.shared->draining = true;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (impl.shared->places.open() > 0 && std::chrono::steady_clock::now() < deadline) {
    for (const auto& thread : impl.threads) {
      thread->post([&thread = *thread] { thread.drain(); });
    }
    impl.shared->places.wait_until_empty(
        std::min(deadline, std::chrono::steady_clock::now() + kDrainTick));
  }
  impl.end_threads();
}

}  // namespace ota::http
