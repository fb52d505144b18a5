#include "sim/fleet_loop.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>

namespace ota::sim {
namespace {

constexpr std::uint32_t kHandshakes = 64;  // at once, as a balancer with back-pressure would allow
constexpr milliseconds kReconnect{1000};
constexpr int kTelemetryDue = 2;

X509* certificate_of(const std::string& pem) {
  BIO* memory = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  return certificate;
}

// "mix": one device in twenty is stressed, as in a fleet with a bad day.
Profile profile_of(const std::string& word, std::size_t number) {
  if (const auto named = parse_profile(word)) return *named;
  return number % 20 == 19 ? Profile::kStressed : Profile::kStable;
}

}  // namespace

struct FleetLoop::Peer {
  VirtualDevice device;
  X509* certificate = nullptr;
  std::uint32_t number = 0;
  std::array<TlsWire, 2> wires;  // 0: telemetry and work, 1: the command poll
  std::array<bool, 2> shaking{};
  Errand errand = Errand::kStatus;
  MonoTime sent;
  bool telemetry_due = false;
  bool parked = false;

  Peer(VirtualDevice d, X509* c, std::uint32_t n)
      : device(std::move(d)), certificate(c), number(n) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { X509_free(certificate); }
};

FleetLoop::FleetLoop(const LoopOptions& options, const Provisioned& provisioned, const Clock& clock)
    : options_(options), clock_(clock), begun_(clock.mono()), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  peers_.reserve(provisioned.ids.size());
}

FleetLoop::~FleetLoop() = default;

Result<void> FleetLoop::open(const Provisioned& provisioned) {
  auto material = TlsMaterial::load(provisioned.authority_pem, provisioned.key_pem);
  if (!material) return material.error();
  material_ = std::move(*material);
  for (std::uint32_t i = 0; i < provisioned.ids.size(); ++i) {
    X509* certificate = certificate_of(provisioned.certificates[i]);
    if (certificate == nullptr) return fail(Errc::kInvalid, "a device's certificate");
    peers_.push_back(std::make_unique<Peer>(
        VirtualDevice(provisioned.ids[i], profile_of(options_.profile, i), options_.seed + i),
        certificate, i));
    waiting_.emplace_back(i, 1);
    waiting_.emplace_back(i, 0);
  }
  // Taken from the back: the first devices first.
  std::reverse(waiting_.begin(), waiting_.end());
  return {};
}

void FleetLoop::watch(Peer& peer, int which) const {
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  wanted.data.u64 = peer.number * 2ULL + static_cast<unsigned>(which);
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, peer.wires.at(static_cast<std::size_t>(which)).fd(),
            &wanted);
}

void FleetLoop::start_next() {
  while (shaking_ < kHandshakes && !waiting_.empty()) {
    const auto [number, which] = waiting_.back();
    waiting_.pop_back();
    Peer& peer = *peers_[number];
    const auto index = static_cast<std::size_t>(which);
    if (!peer.wires.at(index).open(*material_, peer.certificate, options_.port)) {
      due_.push({clock_.mono() + kReconnect, number, which});
      continue;
    }
    peer.shaking.at(index) = true;
    ++shaking_;
    watch(peer, which);
  }
}

void FleetLoop::reopen(Peer& peer, int which) {
  const auto index = static_cast<std::size_t>(which);
  if (peer.shaking.at(index)) --shaking_;
  peer.shaking.at(index) = false;
  if (which == 1) peer.parked = false;
  if (which == 0) peer.device.reconnected();
  ++tally_.lost;
  due_.push({clock_.mono() + kReconnect, peer.number, which});
}

void FleetLoop::post(Peer& peer, Request request) {
  peer.errand = request.errand;
  peer.sent = clock_.mono();
  peer.wires[0].send(std::move(request.text));
  handle(peer, 0, peer.wires[0].advance());
}

// What the telemetry wire does next.
void FleetLoop::work(Peer& peer) {
  if (!peer.wires[0].is_open() || !peer.wires[0].idle()) return;
  if (auto request = peer.device.next()) return post(peer, std::move(*request));
  if (!peer.telemetry_due) return;
  peer.telemetry_due = false;
  const double uptime = std::chrono::duration<double>(clock_.mono() - begun_).count();
  post(peer, peer.device.telemetry(clock_.wall(), uptime));
}

void FleetLoop::handle(Peer& peer, int which, TlsWire::Event event) {
  using Event = TlsWire::Event;
  const auto index = static_cast<std::size_t>(which);
  TlsWire& wire = peer.wires.at(index);
  if (event == Event::kNothing) return;
  if (event == Event::kFailed) return reopen(peer, which);
  if (event == Event::kReady) {
    peer.shaking.at(index) = false;
    --shaking_;
    if (which == 0) {
      // Spread over a period, as devices that started at different times are.
      const double period = 1 / options_.rate;
      const double offset = period * static_cast<double>(peer.number % 997) / 997;
      due_.push({clock_.mono() + milliseconds(static_cast<std::int64_t>(offset * 1000)),
                 peer.number, kTelemetryDue});
      return work(peer);
    }
  } else if (wire.status() / 100 != 2) {
    ++tally_.refused;
  } else if (which == 1) {
    if (wire.status() == 200 && peer.device.commanded(wire.body())) {
      commands_.push_back(clock_.mono());
      work(peer);
    }
  } else {
    if (peer.errand == Errand::kTelemetry) {
      ++tally_.samples;
      tally_.latency_ms.push_back(
          std::chrono::duration<float, std::milli>(clock_.mono() - peer.sent).count());
    }
    peer.device.went_well(peer.errand, wire.body().size());
  }
  if (which == 0) return work(peer);
  peer.parked = true;
  wire.send(peer.device.poll().text);
  handle(peer, 1, wire.advance());
}

void FleetLoop::turn(MonoTime until, const std::function<bool()>& enough) {
  std::array<epoll_event, 512> events;
  while (clock_.mono() < until && !(enough && enough())) {
    start_next();
    const MonoTime now = clock_.mono();
    while (!due_.empty() && due_.top().at <= now) {
      const Due next = due_.top();
      due_.pop();
      Peer& peer = *peers_[next.peer];
      if (next.what != kTelemetryDue) {
        waiting_.emplace_back(next.peer, next.what);
        continue;
      }
      if (!peer.wires[0].is_open()) continue;  // begins anew when it is open again
      peer.telemetry_due = true;
      due_.push({next.at + milliseconds(static_cast<std::int64_t>(1000 / options_.rate)), next.peer,
                 kTelemetryDue});
      work(peer);
    }
    const MonoTime next = due_.empty() ? until : std::min(until, due_.top().at);
    const auto left = std::chrono::duration_cast<milliseconds>(next - clock_.mono()).count();
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(std::clamp<std::int64_t>(left, 0, 50)));
    for (int i = 0; i < count; ++i) {
      const std::uint64_t tag = events.at(static_cast<std::size_t>(i)).data.u64;
      Peer& peer = *peers_[tag / 2];
      const int which = static_cast<int>(tag % 2);
      handle(peer, which, peer.wires.at(static_cast<std::size_t>(which)).advance());
    }
  }
}

Tally FleetLoop::take_tally() {
  return std::exchange(tally_, {});
}

std::uint32_t FleetLoop::connected() const {
  std::uint32_t count = 0;
  for (const auto& peer : peers_)
    count += peer->parked && peer->wires[0].is_open() ? 1U : 0U;
  return count;
}

}  // namespace ota::sim
