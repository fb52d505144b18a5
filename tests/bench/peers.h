// The servers that rows compare, each a process of its own on the server's core: our console, our
// HTTP layer alone, nginx, FastAPI on uvicorn, and a floor of raw OpenSSL over epoll.
//
// All speak TLS 1.3 with the same certificates and ask the client for one. Thread: one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bench.h"

namespace ota::sim {
class World;
struct Scenario;
}  // namespace ota::sim

namespace ota::bench {

// Many devices, enrolled in a root of their own.
struct Devices {
  std::filesystem::path root;
  sim::Provisioned known;
  std::filesystem::path pki() const { return root / "state" / "pki"; }
};

class Peer {
 public:
  virtual ~Peer() = default;
  std::uint16_t port() const { return port_; }
  // Of everything that serves.
  double cpu() const;
  double memory_kib() const;
  // Answers every request that waits (http_layer and floor).
  virtual void go() {}

 protected:
  std::uint16_t port_ = 0;
  std::vector<pid_t> serving_;
};

// The real program, with its store, fleet and ticks; telemetry goes the whole way. Throws where it
// does not start, as the others do.
class Console final : public Peer {
 public:
  Console(Bench& bench, std::uint32_t devices, std::uint32_t threads);
  ~Console() override;
  const sim::Provisioned& devices() const { return devices_.known; }
  const Devices& place() const { return devices_; }
  sim::World& world() { return *world_; }

 private:
  Devices devices_;
  std::unique_ptr<sim::Scenario> scenario_;
  std::unique_ptr<sim::World> world_;
};

// Null where the peer is not installed (`make deps-bench`).
std::unique_ptr<Peer> start_nginx(const Devices& devices, std::uint32_t workers);
std::unique_ptr<Peer> start_fastapi(const Devices& devices);
// http::Server with routes that do nothing: POST /v1/telemetry, GET /v1/wait, GET /image.
std::unique_ptr<Peer> start_http_layer(const Devices& devices, std::uint32_t threads);
std::unique_ptr<Peer> start_floor(const Devices& devices);

// A root with devices and no server.
Devices make_devices(Bench& bench, const std::string& name, std::uint32_t count);

// What the programs above run in their child: `bench serve KIND ROOT THREADS`.
int serve(const std::vector<std::string>& arguments);
int serve_floor(const std::filesystem::path& root);

}  // namespace ota::bench
