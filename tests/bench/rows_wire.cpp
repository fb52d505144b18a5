// Handshakes, the memory of idle connections, and one answer to all who wait.
#include <stdexcept>

#include "tests/bench/load.h"
#include "tests/bench/peers.h"

namespace ota::bench {
namespace {

constexpr std::uint32_t kHeld = 5000;

struct Shaker {
  Shaker(const Peer& server, const sim::Provisioned& devices, Resume resume)
      : peer(server), load(server.port(), devices, resume) {
    load.run(0.3);  // every slot has a session
  }
  const Peer& peer;
  HandshakeLoad load;
  Series rate;
  Series cpu_us;

  void run(double seconds) {
    const double before = peer.cpu();
    const Load result = load.run(seconds);
    rate.add(result.per_second);
    cpu_us.add((peer.cpu() - before) / (result.per_second * seconds) * 1e6);
  }
  std::string told() const { return rate.text(0) + " /s, " + cpu_us.text(0) + " us CPU"; }
};

void shake(const Console& console, const Peer* nginx, Resume resume, Lines& lines) {
  const std::string what =
      resume == Resume::kYes ? "mutual handshakes, resumed" : "mutual handshakes, full";
  Shaker ours(console, console.devices(), resume);
  std::unique_ptr<Shaker> theirs;
  if (nginx != nullptr) theirs = std::make_unique<Shaker>(*nginx, console.devices(), resume);
  for (int round = 0; round < 5; ++round) {
    ours.run(1.2);
    if (theirs) theirs->run(1.2);
  }
  if (!theirs) {
    lines.push_back({what, ours.told(), "nginx is not installed", "", "", Met::kNoAim});
    return;
  }
  std::string told = ours.told();
  if (resume == Resume::kYes) {
    told += ", " + fixed(100 * ours.load.resumed_part(), 0) + " % resumed";
  }
  lines.push_back({what, told, "nginx: " + theirs->told(),
                   fixed(ours.rate.ratio_to(theirs->rate), 2) + " (CPU " +
                       fixed(theirs->cpu_us.ratio_to(ours.cpu_us), 2) + ")",
                   "at least 0.95", met_if(ours.rate.ratio_to(theirs->rate) >= 0.95)});
}

std::uint32_t affordable(const Bench& bench) {
  return std::min<std::uint32_t>(kHeld, static_cast<std::uint32_t>(bench.descriptors - 200));
}

// Each connection has sent a sample of its own and is idle.
double idle_kib(const Peer& peer, const Devices& devices, std::size_t count) {
  const double before = peer.memory_kib();
  Wires wires(peer.port(), devices.known, count);
  wires.open_all(telemetry_request(0, 1, SystemClock().wall()));
  return (peer.memory_kib() - before) / static_cast<double>(count);
}

constexpr const char* kWait = "GET /v1/wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

// Parks a request on every connection and has them all answered at once, some rounds.
class FanOut {
 public:
  FanOut(Peer& peer, const Devices& devices, std::size_t count)
      : peer_(peer), wires_(peer.port(), devices.known, count) {
    wires_.open_all("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  }

  void round() {
    std::size_t answered = 0;
    const auto on_event = [&](std::size_t, Wires::Event event) {
      if (event == Wires::Event::kFailed) throw std::runtime_error("a connection was lost");
      ++answered;
    };
    for (std::size_t i = 0; i < wires_.count(); ++i)
      wires_.send(i, kWait);
    // All are parked once the server has read them: it is idle then.
    double used = -1;
    while (used != peer_.cpu()) {
      used = peer_.cpu();
      wires_.turn(
          SteadyClock::now() + std::chrono::milliseconds(150), [] { return false; }, on_event);
    }
    const auto start = SteadyClock::now();
    peer_.go();
    wires_.turn(
        start + std::chrono::seconds(20), [&] { return answered == wires_.count(); }, on_event);
    if (answered != wires_.count()) throw std::runtime_error("an answer was lost");
    last_ms.add(seconds_since(start) * 1000);
    cpu_us.add((peer_.cpu() - used) / static_cast<double>(wires_.count()) * 1e6);
  }
  std::string told() const {
    return last_ms.text(0) + " ms to the last, " + cpu_us.text(1) + " us CPU each";
  }

  Series last_ms;
  Series cpu_us;

 private:
  Peer& peer_;
  Wires wires_;
};

}  // namespace

Lines handshake_row(Bench& bench) {
  Lines lines;
  const Console console(bench, HandshakeLoad::kInFlight, 1);
  const auto nginx = start_nginx(console.place(), 1);
  shake(console, nginx.get(), Resume::kNo, lines);
  shake(console, nginx.get(), Resume::kYes, lines);
  return lines;
}

Lines memory_row(Bench& bench) {
  const std::uint32_t count = affordable(bench);
  const Devices devices = make_devices(bench, "memory", count);
  const auto layer = start_http_layer(devices, 1);
  const double ours = idle_kib(*layer, devices, count);
  double floor = 0;
  {
    const auto raw = start_floor(devices);
    floor = idle_kib(*raw, devices, count);
  }
  const auto nginx = start_nginx(devices, 1);
  const double theirs = nginx ? idle_kib(*nginx, devices, count) : 0;
  const std::string what =
      "memory of an idle mutual-TLS connection, " + std::to_string(count) + " held";
  const std::string own = fixed(ours, 1) + " KiB";
  Lines lines;
  lines.push_back({what, own, "raw OpenSSL: " + fixed(floor, 1) + " KiB", fixed(ours / floor, 2),
                   "", Met::kNoAim});
  if (theirs > 0) {
    lines.push_back({what, own, "nginx: " + fixed(theirs, 1) + " KiB", fixed(ours / theirs, 2),
                     "at most 1.00", met_if(ours <= theirs)});
  }
  return lines;
}

Lines fan_out_row(Bench& bench) {
  const std::uint32_t count = affordable(bench) / 2 < kHeld / 2 ? affordable(bench) / 2 : kHeld;
  const Devices devices = make_devices(bench, "fan-out", count);
  const auto layer = start_http_layer(devices, 1);
  const auto raw = start_floor(devices);
  FanOut ours(*layer, devices, count);
  FanOut floor(*raw, devices, count);
  for (int round = 0; round < 7; ++round) {
    ours.round();
    floor.round();
  }
  const double ratio = ours.last_ms.ratio_to(floor.last_ms);
  return {{"fan-out to " + std::to_string(count) + " waiting", ours.told(),
           "raw OpenSSL: " + floor.told(),
           fixed(ratio, 2) + " (CPU " + fixed(ours.cpu_us.ratio_to(floor.cpu_us), 2) + ")",
           "at most 1.50", met_if(ratio <= 1.5)}};
}

}  // namespace ota::bench
