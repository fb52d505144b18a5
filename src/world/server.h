// The server of a world: the real fleet, gate, jobs, store, routes, authority and repository on
// virtual time and a simulated disk. Only sockets, TLS and the screen are left out.
//
// What src/main's Host wires with threads and files is wired here with the timeline. A kill or a
// power cut throws all of it away at any moment; start() opens what the disk has.
//
// Thread: the world's.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fleet/fleet.h"
#include "http/message.h"
#include "model/settings.h"
#include "store/store.h"
#include "world/node_clock.h"
#include "world/simulated_disk.h"
#include "world/trace.h"

namespace ota::world {

// A request as it stands after TLS and the parser.
struct Request {
  http::Method method = http::Method::kGet;
  std::string target;  // with the query
  std::string body{};
  std::string range{};
  std::string authorization{};
  std::string user_agent{};
  http::Peer peer{};
  WallTime certificate_begins{};
  WallTime certificate_ends = WallTime::max();
  enum class Listener : std::uint8_t { kApi, kDdi };
  Listener listener = Listener::kApi;
  std::uint64_t connection = 0;
};

// The operator's own, from the desk at that address.
Request operator_request(http::Method method, std::string target, std::string body,
                         std::string address);

struct ServerOptions {
  std::filesystem::path root;  // config, firmware and keys: real files
  std::string disk;            // the database's; a name of SQLite's file layers
  std::shared_ptr<const model::Settings> settings;
  std::uint64_t seed = 0;
  std::int64_t drift_ppm = 0;
  milliseconds slowest_sync{20};     // of the disk
  milliseconds slowest_decision{2};  // until a posted task runs
  milliseconds tick{250};
};

class Server {
 public:
  enum class End : std::uint8_t { kOrderly, kKill, kPowerCut };

  Server(Timeline& timeline, Trace& trace, ServerOptions options);
  ~Server();

  // Opens what the disk has. An error is one of the program's own.
  Result<void> start();
  void end(End how);
  bool up() const { return life_ != nullptr; }
  std::uint64_t starts() const { return starts_; }

  // The status of an answer that is none: the server ended the connection.
  static constexpr unsigned kReset = 0;
  // The answer comes once, at any later moment, or never where the server ends before. What it
  // gives says that the client has gone; it may be called at any time.
  using Answer = std::function<void(http::Response)>;
  std::function<void()> ask(const Request& request, Answer answer);
  // Of a DDI client's; any number.
  void connection_closed(std::uint64_t connection);

  // Null while it is down.
  fleet::Fleet* fleet() const;
  store::Store* store() const;
  NodeClock& clock() { return clock_; }
  SimulatedDisk& disk() { return disk_; }
  const std::string& fingerprint() const { return fingerprint_; }
  const std::string& authority_pem() const { return authority_pem_; }
  // The server's own certificate holds from and until.
  std::pair<WallTime, WallTime> certificate_term() const { return certificate_term_; }

  // What the director's key would sign for this command; empty where it is down.
  std::string directors_word(const std::string& device, const fleet::Command& command) const;

  // Called where another state was imported: whoever runs it is to start it anew.
  std::function<void()> replaced;

  void apply_settings(std::shared_ptr<const model::Settings> settings);
  const model::Settings& settings() const { return *options_.settings; }
  std::shared_ptr<const model::Settings> settings_ptr() const { return options_.settings; }
  // What otactl firmware add and remove do. The world's names of images are their digests.
  Result<model::Release> publish(const std::string& bytes, model::Release release,
                                 std::optional<model::Version> floor);
  Result<void> unpublish(const model::Version& version);

 private:
  struct Life;
  void tick();
  Result<void> open(Life& life);

  Timeline& timeline_;
  Trace& trace_;
  ServerOptions options_;
  NodeClock clock_;
  SimulatedDisk disk_;
  std::string fingerprint_;
  std::string authority_pem_;
  std::pair<WallTime, WallTime> certificate_term_;
  std::shared_ptr<Life> life_;
  std::uint64_t starts_ = 0;
  std::uint64_t ends_ = 0;
};

}  // namespace ota::world
