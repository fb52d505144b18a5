#include "main/local_agents.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "fleet/fleet.h"
#include "main/first_run.h"
#include "model/event_kind.h"

namespace ota::main {

LocalAgents::LocalAgents(Place place, fleet::Fleet& fleet, const Clock& clock, Record record,
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

void LocalAgents::run(const model::Settings& settings, const std::string& authority_fingerprint,
                      const std::string& server) {
  std::vector<supervisor::ChildSpec> children;
  const auto placed = std::exchange(placed_, {});
  const auto refused = std::exchange(refused_, {});
  for (const model::LocalAgent& agent : settings.console.agents) {
    const auto known = placed.find(agent.id);
    // One that runs may be about to use its join code: a second one would be in its way.
    if (known == placed.end() || known->second != agent.dir) {
      const auto ready = prepare_agent(place_.root, agent, settings, authority_fingerprint, server,
                                       fleet_, clock_, place_.seed);
      if (!ready) {
        const std::string why = ready.error().text();
        const auto told = refused.find(agent.id);
        if (told == refused.end() || told->second != why) {
          record_(model::Severity::kError, model::event_kind::kAgentNotStarted,
                  agent.id + ": " + why);
        }
        refused_[agent.id] = why;
        continue;
      }
    }
    placed_[agent.id] = agent.dir;
    const std::filesystem::path config_file = place_.root / agent.dir / "config.json";
    children.push_back(
        {agent.id, place_.program, {"run", "--config", config_file.string(), "--server", server}});
  }
  supervisor_->set_children(std::move(children));
}

Result<void> LocalAgents::order(supervisor::Supervisor& supervisor, const std::string& agent,
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
