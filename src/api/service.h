// The routes of the server, and what they share: worker threads for what blocks, and parked long
// polls.
//
// Handlers run on io threads and never block; reads of the store, signing and exports go to the
// worker. Construction wires everything; close() answers what is parked, so that a drain does not
// wait for it.
//
// Thread: any, after construction; close() before the destructor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "fleet/snapshot.h"
#include "http/router.h"
#include "http/server.h"
#include "model/agent_status.h"
#include "model/server_status.h"

namespace ota::fleet {
class Fleet;
struct Command;
}  // namespace ota::fleet
namespace ota::pki {
class Authority;
}
namespace ota::store {
class Store;
}

namespace ota::api {

enum class AgentOrder : std::uint8_t { kStart, kStop, kRestart };

struct ListenerStats {
  std::string_view listener;  // "api", "ddi"
  http::ServerStats stats;
};

// What the routes need of the rest. Functions may be empty where a program has no such part.
struct Ports {
  fleet::Fleet& fleet;
  store::Store& store;
  const pki::Authority& authority;
  const Clock& clock;
  std::filesystem::path firmware;  // the folder that holds metadata/ and targets/
  std::function<model::ServerStatus()> server_status;
  std::function<std::vector<ListenerStats>()> server_stats;
  std::function<std::shared_ptr<const std::vector<model::AgentStatus>>()> agents;
  // kNotFound: no such agent.
  std::function<Result<void>(const std::string& agent, AgentOrder order)> order_agent;
  // The newest root metadata, which a device pins when it joins. Blocks on files.
  std::function<Result<std::string>()> tuf_root;
  // After an import: what is in memory is no longer what is stored.
  std::function<void()> state_replaced;
  std::filesystem::path state;  // the folder that holds the log's checkpoint and its verifier
  // The director's word for an update (tuf/director.h); empty where none can be given. Any thread.
  std::function<std::string(const std::string& device, const fleet::Command&)> direct;
  // The roles of the repository, as JSON. Blocks on files.
  std::function<Result<Json>()> tuf_roles;
  // Operators and their certificates, as JSON; and the end of all of one's. revoke blocks on files.
  std::function<Json()> operators;
  std::function<void(const std::string& name, const std::string& actor,
                     std::function<void(Result<void>)> done)>
      revoke_operator;
  // Whether something was published that the fleet does not know yet; any thread, costs a stat.
  std::function<bool()> behind;
  // Gives it to the fleet. Blocks on files; any thread.
  std::function<void()> catch_up;
  // Runs what blocks; none: threads of the service's own.
  Executor* worker = nullptr;
};

class Service {
 public:
  explicit Service(Ports ports);
  ~Service();

  std::shared_ptr<const http::Router> router() const;
  // From Fleet's hooks: the device has a command.
  void wake_device(const std::string& device);
  // Ends polls whose time is over and answers followers of the log; about four times a second.
  void tick();
  // Answers everything that is parked (204); later polls are answered at once.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ota::api
