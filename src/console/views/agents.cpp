// The agents that this console runs as child processes, and what they last printed.
#include <algorithm>
#include <array>

#include "console/export.h"
#include "console/views/table.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

using Align = TableColumn::Align;
using Phase = model::AgentStatus::Phase;

enum Column : std::size_t { kAgent, kPhase, kPid, kRestarts, kSince, kExit };

std::string_view word_of(Phase phase) {
  constexpr std::array<std::string_view, 5> kWords{"STOPPED", "STARTING", "RUNNING", "WAITING",
                                                   "FAILED"};
  return kWords.at(static_cast<std::size_t>(phase));
}

Style style_of(Phase phase) {
  switch (phase) {
    case Phase::kRunning:
      return {Ink::kGood};
    case Phase::kStarting:
    case Phase::kBackoff:
      return bold(Ink::kWarn);
    case Phase::kFailed:
      return bold(Ink::kBad);
    case Phase::kStopped:
      return {Ink::kDim};
  }
  return {};
}

std::string exit_text(const Scene& scene, const model::AgentStatus& agent) {
  std::string text = agent.last_exit.empty() ? "-" : agent.last_exit;
  if (agent.phase == Phase::kBackoff && agent.next_try > scene.model.now) {
    text += "; again in " + format_age(agent.next_try - scene.model.now);
  }
  return text;
}

void draw_output(const Area& area, const model::AgentStatus& agent) {
  area.rule(0, agent.id + "  last lines");
  const auto room = static_cast<std::size_t>(std::max(0, area.rows() - 1));
  const std::size_t first = agent.output.size() > room ? agent.output.size() - room : 0;
  for (std::size_t i = first; i < agent.output.size(); ++i) {
    area.put(1, static_cast<int>(i - first) + 1, agent.output[i]);
  }
  if (agent.output.empty()) area.put(1, 1, "nothing yet", {Ink::kDim});
}

// Ids that spoke with a gateway token and are no devices yet.
void draw_waiting(const Area& area, const Scene& scene) {
  const auto& waiting = scene.model.fleet->ddi_waiting;
  area.rule(0, "Wait to join over DDI " + std::to_string(waiting.size()), ":accept ID");
  const auto room = static_cast<std::size_t>(std::max(0, area.rows() - 1));
  for (std::size_t i = 0; i < std::min(room, waiting.size()); ++i) {
    const model::DdiWaiting& entry = waiting[i];
    const milliseconds age = std::max(milliseconds(0), scene.model.now - entry.last_seen);
    area.put(1, static_cast<int>(i) + 1,
             pad(entry.id, 16) + pad(entry.client, 22) + pad(entry.address, 16) +
                 pad_left(format_age(age), 5) + "  " +
                 (entry.listed ? "may be accepted" : "not in config/devices.json"),
             entry.listed ? Style{Ink::kWarn} : Style{Ink::kDim});
  }
}

void draw_agents(const Area& whole, const Scene& scene) {
  const Agents& agents = *scene.model.agents;
  const auto queue = static_cast<int>(scene.model.fleet->ddi_waiting.size());
  const int below = queue == 0 ? 0 : std::min(queue + 1, whole.rows() / 3);
  const Area area = whole.part(0, 0, whole.columns(), whole.rows() - below);
  if (below > 0) {
    draw_waiting(whole.part(0, area.rows(), whole.columns(), below), scene);
  }
  const int wanted = std::max(4, static_cast<int>(agents.size()) + 3);
  const int top = std::min(wanted, std::max(4, area.rows() / 2));
  const Area list = area.part(0, 0, area.columns(), top);
  list.rule(0, "Agents of this host " + std::to_string(agents.size()));
  if (agents.empty()) {
    list.put(3, 2, "None.  config/console.json names them under \"agents\".");
    return;
  }
  const Table table({{"AGENT", 12, 0, Align::kLeft, 12},
                     {"PHASE", 8, 0},
                     {"PID", 7, 1, Align::kRight},
                     {"RESTARTS", 8, 2, Align::kRight},
                     {"SINCE", 5, 3, Align::kRight},
                     {"LAST EXIT", 10, 0, Align::kLeft, 60}},
                    2, list.columns());
  table.header(list, 1);
  std::size_t selected = 0;
  for (std::size_t i = 0; i < agents.size(); ++i) {
    if (agents[i].id == scene.state.agent) selected = i;
  }
  const int visible = list.rows() - 2;
  const int first = first_shown(selected, agents.size(), visible);
  for (int i = 0; i < visible && first + i < static_cast<int>(agents.size()); ++i) {
    const auto index = to_index(first + i);
    const model::AgentStatus& agent = agents[index];
    const int y = i + 2;
    if (index == selected) list.set(0, y, U'▸', bold(Ink::kAccent));
    table.cell(list, y, kAgent, agent.id);
    table.cell(list, y, kPhase, word_of(agent.phase), style_of(agent.phase));
    table.cell(list, y, kPid, agent.pid > 0 ? std::to_string(agent.pid) : "-");
    table.cell(list, y, kRestarts, std::to_string(agent.restarts),
               agent.restarts > 0 ? Style{Ink::kWarn} : Style{});
    const bool since = agent.since.time_since_epoch().count() != 0;
    table.cell(list, y, kSince,
               since ? format_age(std::max(milliseconds(0), scene.model.now - agent.since)) : "-",
               {Ink::kDim});
    table.cell(list, y, kExit, exit_text(scene, agent), {Ink::kDim});
  }
  draw_output(area.part(0, top, area.columns(), area.rows() - top), agents[selected]);
}

void draw_agents_line(const Area& row, const Scene& scene) {
  const Agents& agents = *scene.model.agents;
  const auto running =
      std::count_if(agents.begin(), agents.end(), [](const model::AgentStatus& agent) {
        return agent.phase == model::AgentStatus::Phase::kRunning;
      });
  row.put(1, 0,
          std::to_string(running) + " of " + std::to_string(agents.size()) +
              " running; they stop with this console");
}

// An agent's device, where it is one: what an agent may call itself need not be known here.
std::string device_of_agent(const Model& model, const UiState& state) {
  return model.fleet->find(state.agent) != nullptr ? state.agent : std::string();
}

void move_in_agents(const Stage& stage, long lines) {
  const Agents& agents = *stage.model.agents;
  if (agents.empty()) return;
  const auto found = std::find_if(agents.begin(), agents.end(),
                                  [&](const auto& agent) { return agent.id == stage.state.agent; });
  std::optional<std::size_t> index;
  if (found != agents.end()) index = static_cast<std::size_t>(found - agents.begin());
  stage.state.agent = agents[moved_index(index, agents.size(), lines)].id;
}

constexpr std::array<Binding, 3> kKeys{{
    {Action::kRestartAgent, "r", "restart agent", "restart the agent...", "restart...",
     Access::kFull},
    {Action::kStopAgent, "t", "stop agent", "stop the agent...", "stop...", Access::kFull},
    {Action::kStartAgent, "o", "start agent", "start the agent", "start", Access::kFull},
}};

}  // namespace

ViewSpec agents_view() {
  return {
      .id = View::kAgents,
      .title = "Agents",
      .tab = "Agents",
      .word = "agents",
      .show = Action::kShowAgents,
      .keys = kKeys,
      .draw = draw_agents,
      .context = draw_agents_line,
      .device = device_of_agent,
      .move = move_in_agents,
      .open = nullptr,
      .back = [](UiState&) {},
      .filter = nullptr,
      .copy = [](const Scene& scene) { return marked_line(scene, draw_agents); },
      .export_stem = [](const UiState&) { return std::string("agents"); },
      .export_suffix = "txt",
      .export_text = [](const Scene& scene) { return page_text(scene, draw_agents, kWholePage); }};
}

}  // namespace ota::console
