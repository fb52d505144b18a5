// Drives the connections of many virtual devices from one thread over epoll, and measures.
//
// Two connections for each device: one for telemetry and work, one parked in the command poll. With
// one, the poll is parked between two samples and its length is the sampling interval.
//
// Thread: one; command times are read by it alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "sim/provision.h"
#include "sim/tls_wire.h"
#include "sim/virtual_device.h"

namespace ota::sim {

struct LoopOptions {
  std::uint16_t port = 0;
  double rate = 1;
  std::string profile = "mix";
  std::uint64_t seed = 1;
  std::uint32_t connections = 2;  // of each device: 1 or 2
};

struct Tally {
  std::uint64_t samples = 0;
  std::uint64_t refused = 0;
  std::uint64_t lost = 0;         // connections
  std::uint64_t resumed = 0;      // handshakes that went on with a session
  std::vector<float> latency_ms;  // of telemetry
};

class FleetLoop {
 public:
  FleetLoop(const LoopOptions& options, const Provisioned& provisioned, const Clock& clock);
  ~FleetLoop();

  Result<void> open(const Provisioned& provisioned);
  // Turns until `until`, or until `enough` says so.
  void turn(MonoTime until, const std::function<bool()>& enough = {});
  // What was counted since the last call.
  Tally take_tally();

  // Cuts the connections of nineteen devices in twenty, all at once, and lets them come back spread
  // over `spread`, with their TLS sessions. Returns how many were cut.
  std::uint32_t cut_off(milliseconds spread);

  std::uint32_t connected() const;  // devices whose command poll is parked
  // When each device got its command, in order of arrival.
  const std::vector<MonoTime>& commands() const { return commands_; }

 private:
  struct Peer;
  void start_next();
  void handle(Peer& peer, int which, TlsWire::Event event);
  void work(Peer& peer);
  void post(Peer& peer, Request request);
  void answered(Peer& peer, int which);
  void poll_answered(Peer& peer, const TlsWire& wire);
  bool single() const { return options_.connections == 1; }
  std::int64_t period_s() const;
  void watch(Peer& peer, int which) const;
  void reopen(Peer& peer, int which);

  const LoopOptions options_;
  const Clock& clock_;
  MonoTime begun_;
  FileDescriptor epoll_;
  std::unique_ptr<TlsMaterial> material_;
  std::vector<std::unique_ptr<Peer>> peers_;
  struct Due {
    MonoTime at;
    std::uint32_t peer;
    int what;  // 0, 1: open that wire; 2: telemetry
    bool operator>(const Due& other) const { return at > other.at; }
  };
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::uint32_t shaking_ = 0;                           // handshakes in flight
  std::vector<std::pair<std::uint32_t, int>> waiting_;  // wires that wait for a handshake's place
  Tally tally_;
  std::vector<MonoTime> commands_;
};

}  // namespace ota::sim
