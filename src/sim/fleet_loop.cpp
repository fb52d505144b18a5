#include "sim/fleet_loop.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>

namespace ota::sim {
namespace {

constexpr std::uint32_t kHandshakes = 64;  // at once, as a balancer with back-pressure would allow
constexpr milliseconds kReconnect{1000};
constexpr int kTelemetryDue = 2;
constexpr seconds kLongPoll{60};
// A device with one connection sends these at once when it has come, so that it has a verdict.
constexpr int kFirstSamples = 6;
// One device in so many stays when the others are cut off.
constexpr std::uint32_t kStays = 20;

struct FreeSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

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
  std::array<std::unique_ptr<SSL_SESSION, FreeSession>, 2> sessions;
  int first_samples = 0;
  bool spread = false;  // its polls are out of step with the others'
  Errand errand = Errand::kStatus;
  MonoTime sent;
  bool telemetry_due = false;
  bool ticking = false;  // the next sample's time is in due_
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
    if (single()) {
      peers_.back()->first_samples = kFirstSamples;
    } else {
      waiting_.emplace_back(i, 1);
    }
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
    if (!peer.wires.at(index).open(*material_, peer.certificate, options_.port,
                                   peer.sessions.at(index).get())) {
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
  if (which == 1 || single()) peer.parked = false;
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

std::int64_t FleetLoop::period_s() const {
  return std::clamp<std::int64_t>(std::llround(1 / options_.rate), 1, kLongPoll.count());
}

// What the telemetry wire does next.
void FleetLoop::work(Peer& peer) {
  if (!peer.wires[0].is_open() || !peer.wires[0].idle()) return;
  if (auto request = peer.device.next()) return post(peer, std::move(*request));
  if (peer.telemetry_due || peer.first_samples > 0) {
    peer.first_samples -= peer.telemetry_due ? 0 : 1;
    peer.telemetry_due = false;
    const double uptime = std::chrono::duration<double>(clock_.mono() - begun_).count();
    return post(peer, peer.device.telemetry(clock_.wall(), uptime));
  }
  if (!single()) return;
  peer.parked = true;
  const bool in_step = std::exchange(peer.spread, true);
  post(peer, peer.device.poll(seconds(
                 in_step ? period_s() : 1 + peer.number % std::max(period_s(), std::int64_t{1}))));
}

void FleetLoop::poll_answered(Peer& peer, const TlsWire& wire) {
  peer.telemetry_due = peer.telemetry_due || single();
  if (wire.status() != 200 || !peer.device.commanded(wire.body())) return;
  commands_.push_back(clock_.mono());
}

void FleetLoop::answered(Peer& peer, int which) {
  const auto index = static_cast<std::size_t>(which);
  const TlsWire& wire = peer.wires.at(index);
  if (!peer.sessions.at(index)) peer.sessions.at(index).reset(wire.take_session());
  const Errand errand = which == 1 ? Errand::kPoll : peer.errand;
  if (wire.status() / 100 != 2) {
    ++tally_.refused;
  } else if (errand == Errand::kPoll) {
    poll_answered(peer, wire);
  } else {
    if (errand == Errand::kTelemetry) {
      ++tally_.samples;
      tally_.latency_ms.push_back(
          std::chrono::duration<float, std::milli>(clock_.mono() - peer.sent).count());
    }
    peer.device.went_well(errand, wire.body().size());
  }
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
    tally_.resumed += wire.resumed() ? 1U : 0U;
    if (which == 0 && !single() && !std::exchange(peer.ticking, true)) {
      // Spread over a period, as devices that started at different times are.
      const double period = 1 / options_.rate;
      const double offset = period * static_cast<double>(peer.number % 997) / 997;
      due_.push({clock_.mono() + milliseconds(static_cast<std::int64_t>(offset * 1000)),
                 peer.number, kTelemetryDue});
    }
  } else {
    answered(peer, which);
  }
  work(peer);
  if (which == 0) return;
  peer.parked = true;
  wire.send(peer.device.poll(kLongPoll).text);
  handle(peer, 1, wire.advance());
}

std::uint32_t FleetLoop::cut_off(milliseconds spread) {
  std::uint32_t cut = 0;
  for (const auto& peer : peers_) {
    if (peer->number % kStays == 0) continue;
    ++cut;
    for (int which = 0; which < static_cast<int>(options_.connections); ++which) {
      const auto index = static_cast<std::size_t>(which);
      if (peer->shaking.at(index)) --shaking_;
      peer->shaking.at(index) = false;
      // A parked poll had no answer yet at which its session would have been kept.
      if (!peer->sessions.at(index)) {
        peer->sessions.at(index).reset(peer->wires.at(index).take_session());
      }
      peer->wires.at(index).close();
      const std::int64_t place = peer->number * 7919LL % 10'000;
      due_.push({clock_.mono() + spread * place / 10'000, peer->number, which});
    }
    peer->parked = false;
    peer->device.reconnected();
  }
  return cut;
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
      if (!peer.wires[0].is_open()) {  // begins anew when it is open again
        peer.ticking = false;
        continue;
      }
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
    count += peer->parked && peer->wires[0].is_open() && !peer->shaking[0] ? 1U : 0U;
  return count;
}

}  // namespace ota::sim
