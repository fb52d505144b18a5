// The clients: many mutual-TLS connections over one epoll, in this thread.
//
// The same clients load every contestant. Thread: one.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "sim/provision.h"
#include "sim/tls_wire.h"
#include "tests/bench/measure.h"

struct ssl_session_st;

namespace ota::bench {

// Connections of as many devices, opened with a bounded number of handshakes in flight.
class Wires {
 public:
  using Event = sim::TlsWire::Event;
  using OnEvent = std::function<void(std::size_t index, Event event)>;

  Wires(std::uint16_t port, const sim::Provisioned& devices, std::size_t count);
  ~Wires();
  Wires(const Wires&) = delete;
  Wires& operator=(const Wires&) = delete;

  std::size_t count() const { return wires_.size(); }
  sim::TlsWire& at(std::size_t index) { return *wires_[index]; }
  // Opens all and sends `request` on each once; throws where one fails.
  void open_all(const std::string& request);
  void open(std::size_t index, ssl_session_st* session = nullptr);
  void send(std::size_t index, std::string request);
  // Turns until `enough`, or `until`; events of send() inside `on_event` are handled as well.
  void turn(SteadyClock::time_point until, const std::function<bool()>& enough,
            const OnEvent& on_event);
  // Sends what send() was given, then handles what comes; waits for it until `until` at most.
  void step(SteadyClock::time_point until, const OnEvent& on_event);

 private:
  void advance(std::size_t index, const OnEvent& on_event);

  std::uint16_t port_;
  FileDescriptor epoll_;
  std::unique_ptr<sim::TlsMaterial> material_;
  std::vector<X509*> certificates_;
  std::vector<std::unique_ptr<sim::TlsWire>> wires_;
  std::vector<std::size_t> ready_;  // to be advanced without waiting for the socket
  std::vector<std::size_t> sending_;
};

struct Load {
  double per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double refused = 0;  // answers other than 2xx
};

// Each connection posts one sample after the other of a device of its own.
class PostLoad {
 public:
  PostLoad(std::uint16_t port, const sim::Provisioned& devices, std::size_t connections);
  // As fast as they are answered.
  Load run(double seconds);
  // At a steady rate over all, as devices do that report in their own time: a late answer puts off
  // no sample, whose time counts from when it was due. This thread goes before others on its core
  // meanwhile, where that is allowed: the server is measured, not the wait of its client.
  Load run_at(double per_second, double seconds);

 private:
  std::string next(std::size_t index);

  Wires wires_;
  std::uint64_t seq_;
};

enum class Resume { kNo, kYes };

// New connections, `in_flight` at a time: handshake, one post, gone.
class HandshakeLoad {
 public:
  static constexpr std::size_t kInFlight = 32;
  HandshakeLoad(std::uint16_t port, const sim::Provisioned& devices, Resume resume);
  ~HandshakeLoad();
  Load run(double seconds);
  double resumed_part() const;

 private:
  Resume resume_;
  Wires wires_;
  std::vector<ssl_session_st*> sessions_;
  std::uint64_t seq_;
  std::uint64_t done_ = 0;
  std::uint64_t resumed_ = 0;
};

// A POST of a sample of about 250 bytes.
std::string telemetry_request(std::uint64_t device, std::uint64_t seq, WallTime at);

}  // namespace ota::bench
