#include "sim/proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace ota::sim {
namespace {

constexpr std::size_t kBuffer = 16384;
constexpr std::size_t kMostPairs = 512;
constexpr milliseconds kSlice{50};  // a rate is dealt out in slices

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// One direction of a connection: read from one side into `held`, written to the other.
struct Flow {
  std::string held;
  bool ended = false;  // the source has said its last
  bool told = false;   // and the sink was told
};

struct Pair {
  FileDescriptor device;
  FileDescriptor server;
  Flow up;
  Flow down;
  bool dead = false;
};

void read_into(int fd, Flow& flow, std::size_t most, bool& dead) {
  std::array<char, kBuffer> bytes;
  const ssize_t got = recv(fd, bytes.data(), std::min(most, bytes.size()), MSG_DONTWAIT);
  if (got > 0) {
    flow.held.append(bytes.data(), static_cast<std::size_t>(got));
  } else if (got == 0) {
    flow.ended = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    dead = true;
  }
}

std::size_t write_out(int fd, Flow& flow, bool& dead) {
  if (flow.held.empty()) return 0;
  const ssize_t sent = send(fd, flow.held.data(), flow.held.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) {
    flow.held.erase(0, static_cast<std::size_t>(sent));
    return static_cast<std::size_t>(sent);
  }
  if (sent < 0 && errno != EAGAIN && errno != EINTR) dead = true;
  return 0;
}

void pass_end(int fd, Flow& flow) {
  if (!flow.ended || flow.told || !flow.held.empty()) return;
  shutdown(fd, SHUT_WR);
  flow.told = true;
}

}  // namespace

struct Proxy::Impl {
  FileDescriptor listener;
  FileDescriptor wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::uint16_t port = 0;
  std::atomic<std::uint16_t> target{0};
  std::atomic<Wire> wire{Wire::kWhole};
  std::atomic<std::uint64_t> rate{0};
  std::atomic<std::uint64_t> carried{0};
  std::atomic<bool> stopping{false};
  std::list<Pair> pairs;        // the thread's own
  std::uint64_t allowance = 0;  // bytes left of this slice
  MonoTime slice{};
  std::thread thread;

  void run();
  void accept_one();
  void serve(Pair& pair, short device, short server);
  void deal_out();
  void nudge() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake.get(), &one, sizeof one);
  }
};

void Proxy::Impl::accept_one() {
  FileDescriptor device(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const std::uint16_t to = target;
  if (!device || to == 0 || wire == Wire::kCut || pairs.size() >= kMostPairs) return;
  FileDescriptor server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(to);
  // Loopback: connects at once or is refused at once.
  if (!server ||
      connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return;
  }
  const int on = 1;
  setsockopt(device.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(server.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Pair& pair = pairs.emplace_back();
  pair.device = std::move(device);
  pair.server = std::move(server);
}

void Proxy::Impl::deal_out() {
  const MonoTime now = std::chrono::steady_clock::now();
  if (now - slice < kSlice) return;
  slice = now;
  allowance = std::max<std::uint64_t>(rate * static_cast<std::uint64_t>(kSlice.count()) / 1000,
                                      rate == 0 ? 0 : 1);
}

void Proxy::Impl::serve(Pair& pair, short device, short server) {
  if ((device & (POLLIN | POLLHUP | POLLERR)) != 0 && !pair.up.ended) {
    read_into(pair.device.get(), pair.up, kBuffer, pair.dead);
  }
  if ((server & (POLLIN | POLLHUP | POLLERR)) != 0 && !pair.down.ended) {
    std::size_t most = kBuffer;
    if (rate != 0) most = static_cast<std::size_t>(std::min<std::uint64_t>(most, allowance));
    if (most > 0) read_into(pair.server.get(), pair.down, most, pair.dead);
  }
  write_out(pair.server.get(), pair.up, pair.dead);
  const std::size_t sent = write_out(pair.device.get(), pair.down, pair.dead);
  carried += sent;
  allowance -= std::min<std::uint64_t>(allowance, sent);
  pass_end(pair.server.get(), pair.up);
  pass_end(pair.device.get(), pair.down);
  if (pair.up.told && pair.down.told) pair.dead = true;
}

void Proxy::Impl::run() {
  std::vector<pollfd> wanted;
  while (!stopping) {
    deal_out();
    wanted.assign({{wake.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}});
    const bool starved = rate != 0 && allowance == 0;
    for (const Pair& pair : pairs) {
      const auto interest = [](const Flow& in, const Flow& out, bool may_read) {
        return static_cast<short>((!in.ended && in.held.empty() && may_read ? POLLIN : 0) |
                                  (out.held.empty() ? 0 : POLLOUT));
      };
      wanted.push_back({pair.device.get(), interest(pair.up, pair.down, true), 0});
      wanted.push_back({pair.server.get(), interest(pair.down, pair.up, !starved), 0});
    }
    poll(wanted.data(), wanted.size(), starved ? static_cast<int>(kSlice.count()) : 1000);
    std::uint64_t drained = 0;
    [[maybe_unused]] const auto got = ::read(wake.get(), &drained, sizeof drained);
    std::size_t i = 2;
    for (Pair& pair : pairs) {
      serve(pair, wanted[i].revents, wanted[i + 1].revents);
      i += 2;
    }
    if (wire == Wire::kCut) pairs.clear();
    pairs.remove_if([](const Pair& pair) { return pair.dead; });
    if ((wanted[1].revents & POLLIN) != 0) accept_one();
  }
}

Proxy::Proxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Proxy>> Proxy::open() {
  auto impl = std::make_unique<Impl>();
  impl->listener = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!impl->listener) return fail_errno(errno, "a socket");
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(impl->listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(impl->listener.get(), 128) != 0 ||
      getsockname(impl->listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail_errno(errno, "listen on 127.0.0.1");
  }
  impl->port = ntohs(address.sin_port);
  Impl* raw = impl.get();
  impl->thread = std::thread([raw] { raw->run(); });
  return std::unique_ptr<Proxy>(new Proxy(std::move(impl)));
}

Proxy::~Proxy() {
  impl_->stopping = true;
  impl_->nudge();
  impl_->thread.join();
}

std::uint16_t Proxy::port() const {
  return impl_->port;
}
void Proxy::set_target(std::uint16_t port) {
  impl_->target = port;
}
void Proxy::set_wire(Wire wire) {
  impl_->wire = wire;
  impl_->nudge();
}
void Proxy::set_rate(std::uint64_t bytes_per_second) {
  impl_->rate = bytes_per_second;
  impl_->nudge();
}
std::uint64_t Proxy::carried() const {
  return impl_->carried;
}

}  // namespace ota::sim
