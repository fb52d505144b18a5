// otactl agents: the device agents that the console runs on its own host.
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

Result<ExitCode> list(Context& context) {
  const auto answer = context.api.get("/v1/agents");
  if (!answer) return answer.error();
  context.out.document(*answer);
  Table table({{"AGENT"},
               {"PHASE"},
               {"PID", Align::kRight},
               {"RESTARTS", Align::kRight},
               {"FOR", Align::kRight},
               {"LAST EXIT"},
               {"LAST LINE"}});
  for (const Json& agent : list_at(*answer, "agents")) {
    const Json& output = list_at(agent, "output");
    const std::string last =
        !output.empty() && output.back().is_string() ? output.back().get<std::string>() : "";
    table.add({printable(text_at(agent, "id"), 63), text_at(agent, "phase"),
               std::to_string(count_at(agent, "pid")), std::to_string(count_at(agent, "restarts")),
               age_of(agent, "since", context.clock.wall()), dash(text_at(agent, "last_exit")),
               printable(last, 80)});
  }
  if (table.empty()) {
    context.out.line("No local agents; config/console.json lists them under \"agents\".");
  } else {
    context.out.table(table);
  }
  return ExitCode::kDone;
}

Result<ExitCode> run_agents(Context& context) {
  const std::string action = context.arguments.text("ACTION");
  const std::string id = context.arguments.text("ID");
  if (action.empty() || action == "list") return list(context);
  if (action != "restart" && action != "stop" && action != "start") {
    context.out.problem(action + ": not an action; accepted: list, start, stop, restart", "");
    return ExitCode::kUsage;
  }
  if (id.empty()) {
    context.out.problem("which agent?", "otactl agents " + action + " ID");
    return ExitCode::kUsage;
  }
  const auto answer =
      context.api.post("/v1/agents/" + url_escape(id) + "/" + action, Json::object());
  if (!answer) return answer.error();
  context.out.document(Json{{"agent", id}, {"action", action}});
  context.out.line(id + ": " + action, Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command agents_command() {
  return {.name = "agents",
          .summary = "the agents that the console runs on its own host",
          .details = "",
          .positionals = {{"ACTION", "list (the default), start, stop or restart",
                           Positional::Count::kOptional},
                          {"ID", "the agent", Positional::Count::kOptional}},
          .options = {},
          .examples = {{"otactl agents", "pid, restarts, last lines"},
                       {"otactl agents restart iot-001", "stop it with grace and start it"}},
          .run = &run_agents};
}

}  // namespace ota::cli
