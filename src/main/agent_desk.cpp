#include "main/agent_desk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "fleet/fleet.h"
#include "main/first_run.h"

namespace ota::main {

AgentDesk::AgentDesk(Place place, fleet::Fleet& fleet, const Clock& clock, Record record,
                     std::function<void()> changed)
    : place_(std::move(place)),
      fleet_(fleet),
      clock_(clock),
      record_(std::move(record)),
      supervisor_(std::make_shared<supervisor::Supervisor>(
          supervisor::SupervisorOptions{}, clock,
          [&fleet](model::Event event) { fleet.record(std::move(event)); })) {
  supervisor_->on_change(std::move(changed));
}

void AgentDesk::run(const model::Settings& settings, const std::string& authority_fingerprint,
                    const std::string& server) {
  std::vector<supervisor::ChildSpec> children;
  for (const model::LocalAgent& agent : settings.console.agents) {
    const auto ready = prepare_agent(place_.root, agent, settings, authority_fingerprint, server,
                                     fleet_, clock_, place_.seed);
    if (!ready) {
      record_(model::Severity::kError, "agent.not-started", agent.id + ": " + ready.error().text());
      continue;
    }
    const std::filesystem::path config_file = place_.root / agent.dir / "config.json";
    children.push_back(
        {agent.id, place_.program, {"run", "--config", config_file.string(), "--server", server}});
  }
  supervisor_->set_children(std::move(children));
}

Result<void> AgentDesk::order(supervisor::Supervisor& supervisor, const std::string& agent,
                              api::AgentOrder order) {
  const auto known = supervisor.status();
  if (std::none_of(known->begin(), known->end(), [&](const auto& a) { return a.id == agent; })) {
    return fail(Errc::kNotFound, "no local agent " + agent);
  }
  if (order == api::AgentOrder::kStart) supervisor.start(agent);
  if (order == api::AgentOrder::kStop) supervisor.stop(agent);
  if (order == api::AgentOrder::kRestart) supervisor.restart(agent);
  return {};
}

}  // namespace ota::main
