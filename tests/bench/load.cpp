#include "tests/bench/load.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <deque>
#include <stdexcept>

#include "base/clock.h"
#include "tests/bench/noise.h"

namespace ota::bench {
namespace {

constexpr std::size_t kHandshakes = 64;

X509* certificate_of(const std::string& pem) {
  BIO* memory = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  if (certificate == nullptr) throw std::runtime_error("a device's certificate");
  return certificate;
}

WallTime wall_now() {
  return SystemClock().wall();
}

// Ahead of what an earlier load sent for the same devices.
std::uint64_t first_seq() {
  return static_cast<std::uint64_t>(wall_now().time_since_epoch() / std::chrono::milliseconds(1)) *
         100;
}

double percentile(std::vector<float>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return static_cast<double>(values[static_cast<std::size_t>(at)]);
}

}  // namespace

std::string telemetry_request(std::uint64_t device, std::uint64_t seq, WallTime at) {
  std::array<char, 512> body;
  // The last member is one that no server knows.
  const int length = std::snprintf(
      body.data(), body.size(),
      "{\"seq\":%" PRIu64 ",\"boot_id\":\"%032" PRIx64
      "\",\"time\":\"%s\",\"cpu\":%.2f,\"mem\":%.2f,"
      "\"disk\":%.2f,\"temp\":%.2f,\"note\":\"a member of a newer agent, which the server skips\"}",
      seq, device + 1, format_rfc3339(at).c_str(), 12 + noise(seq, 0), 35 + noise(seq, 1),
      40 + noise(seq, 2), 44 + noise(seq, 3));
  return "POST /v1/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(length) + "\r\n\r\n" +
         std::string(body.data(), static_cast<std::size_t>(length));
}

Wires::Wires(std::uint16_t port, const sim::Provisioned& devices, std::size_t count)
    : port_(port), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  auto material = sim::TlsMaterial::load(devices.authority_pem, devices.key_pem);
  if (!material) throw std::runtime_error(material.error().text());
  material_ = std::move(*material);
  for (std::size_t i = 0; i < count; ++i) {
    certificates_.push_back(certificate_of(devices.certificates.at(i)));
    wires_.push_back(std::make_unique<sim::TlsWire>());
  }
}

Wires::~Wires() {
  wires_.clear();
  for (X509* certificate : certificates_)
    X509_free(certificate);
}

void Wires::open(std::size_t index, ssl_session_st* session) {
  if (auto opened = wires_[index]->open(*material_, certificates_[index], port_, session); !opened)
    throw std::runtime_error(opened.error().text());
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  wanted.data.u64 = index;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wires_[index]->fd(), &wanted);
}

void Wires::send(std::size_t index, std::string request) {
  wires_[index]->send(std::move(request));
  ready_.push_back(index);
}

void Wires::advance(std::size_t index, const OnEvent& on_event) {
  const Event event = wires_[index]->advance();
  if (event != Event::kNothing) on_event(index, event);
}

void Wires::turn(SteadyClock::time_point until, const std::function<bool()>& enough,
                 const OnEvent& on_event) {
  constexpr std::chrono::milliseconds kLook{20};
  for (auto now = SteadyClock::now(); !enough() && now < until; now = SteadyClock::now())
    step(std::min(until, now + kLook), on_event);
}

void Wires::step(SteadyClock::time_point until, const OnEvent& on_event) {
  std::array<epoll_event, 256> events;
  sending_.swap(ready_);
  for (const std::size_t index : sending_)
    advance(index, on_event);
  sending_.clear();
  const auto patience = std::max(until - SteadyClock::now(), SteadyClock::duration::zero());
  const timespec wait{.tv_sec = 0, .tv_nsec = ready_.empty() ? patience.count() : 0};
  const int count =
      ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &wait, nullptr);
  for (int i = 0; i < count; ++i)
    advance(events.at(static_cast<std::size_t>(i)).data.u64, on_event);
}

void Wires::open_all(const std::string& request) {
  std::size_t begun = 0;
  std::size_t done = 0;
  while (begun < std::min(kHandshakes, count()))
    open(begun++);
  const auto on_event = [&](std::size_t index, Event event) {
    if (event == Event::kFailed) {
      throw std::runtime_error("connection " + std::to_string(index) + " failed");
    }
    if (event == Event::kReady) return send(index, request);
    ++done;
    if (begun < count()) open(begun++);
  };
  turn(
      SteadyClock::now() + std::chrono::seconds(60), [&] { return done == count(); }, on_event);
  if (done != count()) throw std::runtime_error("only " + std::to_string(done) + " connections");
}

PostLoad::PostLoad(std::uint16_t port, const sim::Provisioned& devices, std::size_t connections)
    : wires_(port, devices, connections), seq_(first_seq()) {
  wires_.open_all("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
}

std::string PostLoad::next(std::size_t index) {
  return telemetry_request(index, ++seq_, wall_now());
}

Load PostLoad::run(double seconds) {
  std::vector<SteadyClock::time_point> sent(wires_.count());
  std::vector<float> latency;
  Load load;
  const auto start = SteadyClock::now();
  const auto end = start + std::chrono::duration_cast<SteadyClock::duration>(
                               std::chrono::duration<double>(seconds));
  std::size_t out = 0;
  for (std::size_t i = 0; i < wires_.count(); ++i) {
    sent[i] = SteadyClock::now();
    wires_.send(i, next(i));
    ++out;
  }
  const auto on_event = [&](std::size_t index, Wires::Event event) {
    if (event != Wires::Event::kAnswered) throw std::runtime_error("a connection was lost");
    const auto now = SteadyClock::now();
    latency.push_back(std::chrono::duration<float, std::milli>(now - sent[index]).count());
    if (wires_.at(index).status() / 100 != 2) load.refused += 1;
    --out;
    if (now >= end) return;
    sent[index] = now;
    ++out;
    wires_.send(index, next(index));
  };
  wires_.turn(
      end + std::chrono::seconds(5), [&] { return out == 0; }, on_event);
  load.per_second = static_cast<double>(latency.size()) / seconds_since(start);
  load.p50_ms = percentile(latency, 0.5);
  load.p99_ms = percentile(latency, 0.99);
  return load;
}

Load PostLoad::run_at(double per_second, double seconds) {
  const BeforeOthers priority;
  const auto interval = std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / per_second));
  const auto start = SteadyClock::now();
  const auto posts = static_cast<std::size_t>(per_second * seconds);
  std::vector<std::deque<SteadyClock::time_point>> due(wires_.count());  // front: is under way
  std::vector<float> latency;
  Load load;
  const auto on_event = [&](std::size_t index, Wires::Event event) {
    if (event != Wires::Event::kAnswered) throw std::runtime_error("a connection was lost");
    const auto late = SteadyClock::now() - due[index].front();
    latency.push_back(std::chrono::duration<float, std::milli>(late).count());
    if (wires_.at(index).status() / 100 != 2) load.refused += 1;
    due[index].pop_front();
    if (!due[index].empty()) wires_.send(index, next(index));
  };
  for (std::size_t sent = 0; latency.size() < posts;) {
    const auto when = start + interval * static_cast<std::int64_t>(sent);
    if (sent < posts && when <= SteadyClock::now()) {
      const std::size_t index = sent++ % wires_.count();
      due[index].push_back(when);
      if (due[index].size() == 1) wires_.send(index, next(index));
      continue;
    }
    if (SteadyClock::now() >
        start + interval * static_cast<std::int64_t>(posts) + std::chrono::seconds(5))
      throw std::runtime_error("posts were not answered");
    const auto look = SteadyClock::now() + std::chrono::milliseconds(20);
    wires_.step(sent < posts ? std::min(when, look) : look, on_event);
  }
  load.per_second = static_cast<double>(latency.size()) / seconds_since(start);
  load.p50_ms = percentile(latency, 0.5);
  load.p99_ms = percentile(latency, 0.99);
  return load;
}

HandshakeLoad::HandshakeLoad(std::uint16_t port, const sim::Provisioned& devices, Resume resume)
    : resume_(resume), wires_(port, devices, kInFlight), sessions_(kInFlight), seq_(first_seq()) {}

HandshakeLoad::~HandshakeLoad() {
  for (ssl_session_st* session : sessions_)
    SSL_SESSION_free(session);
}

Load HandshakeLoad::run(double seconds) {
  Load load;
  double answered = 0;
  std::size_t out = 0;
  const auto start = SteadyClock::now();
  const auto end = start + std::chrono::duration_cast<SteadyClock::duration>(
                               std::chrono::duration<double>(seconds));
  const auto on_event = [&](std::size_t index, Wires::Event event) {
    if (event == Wires::Event::kFailed) throw std::runtime_error("a handshake failed");
    if (event == Wires::Event::kReady) {
      return wires_.send(index, telemetry_request(index, ++seq_, wall_now()));
    }
    answered += 1;
    ++done_;
    resumed_ += wires_.at(index).resumed() ? 1U : 0U;
    if (wires_.at(index).status() / 100 != 2) load.refused += 1;
    if (resume_ == Resume::kYes) {
      SSL_SESSION_free(sessions_[index]);
      sessions_[index] = wires_.at(index).take_session();
    }
    wires_.at(index).close();
    --out;
    if (SteadyClock::now() >= end) return;
    wires_.open(index, sessions_[index]);
    ++out;
  };
  for (std::size_t i = 0; i < wires_.count(); ++i) {
    wires_.open(i, sessions_[i]);
    ++out;
  }
  wires_.turn(
      end + std::chrono::seconds(10), [&] { return out == 0; }, on_event);
  load.per_second = answered / seconds_since(start);
  return load;
}

double HandshakeLoad::resumed_part() const {
  return done_ == 0 ? 0 : static_cast<double>(resumed_) / static_cast<double>(done_);
}

}  // namespace ota::bench
