// The console's care for the agents of this host: each agent of console.json gets its folder and,
// where it needs one, a join code; then the supervisor runs it.
//
// Thread: one, the host's; supervisor() and order() from any. Blocks on files and on the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/service.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/event.h"
#include "model/settings.h"
#include "supervisor/supervisor.h"

namespace ota::fleet {
class Fleet;
}

namespace ota::main {

class LocalAgents {
 public:
  using Record = std::function<void(model::Severity, std::string kind, std::string message)>;
  struct Place {
    std::filesystem::path root;
    std::filesystem::path program;  // ota-agent
    std::uint64_t seed = 0;         // added to the seeds of agents that the first run makes
  };

  // `changed` is called from any thread when an agent's status is another. What is passed by
  // reference outlives it.
  LocalAgents(Place place, fleet::Fleet& fleet, const Clock& clock, Record record,
              std::function<void()> changed);

  std::shared_ptr<supervisor::Supervisor> supervisor() const { return supervisor_; }
  // Runs the agents of `settings` against `server`, the URL at which this host reaches it. One that
  // runs already goes on, from its new folder where that is another; those that are not there any
  // more end. What keeps one from its start is an event, once.
  void run(const model::Settings& settings, const std::string& authority_fingerprint,
           const std::string& server);
  // Whether one of them was kept from its start: another run() may find that mended.
  bool waits() const { return !refused_.empty(); }
  // kNotFound where there is no such agent.
  static Result<void> order(supervisor::Supervisor& supervisor, const std::string& agent,
                            api::AgentOrder order);

 private:
  const Place place_;
  fleet::Fleet& fleet_;
  const Clock& clock_;
  Record record_;
  std::shared_ptr<supervisor::Supervisor> supervisor_;
  std::map<std::string, std::string> placed_;   // the folder of each agent that was started
  std::map<std::string, std::string> refused_;  // why one was not
};

}  // namespace ota::main
