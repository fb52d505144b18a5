// otactl rollback: send a device back to its previous image; never gated
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_rollback(Context& context) {
  const std::string id = context.arguments.text("ID");
  if (const auto code = unless_confirmed(context, "Roll back " + id + "?")) return *code;
  const auto answer =
      context.api.post("/v1/devices/" + url_escape(id) + "/rollback", Json::object());
  if (!answer) return answer.error();
  context.out.document(Json{{"rollback", id}});
  context.out.line("ROLLBACK: " + id + " was told to go back to its previous slot", Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command rollback_command() {
  return {.name = "rollback",
          .summary = "send a device back to its previous image; never gated",
          .details = "",
          .positionals = {{"ID", "the device"}},
          .options = {{"--yes", "", "do not ask"}},
          .examples = {{"otactl rollback iot-001", "to what it ran before the last update"}},
          .run = &run_rollback};
}

}  // namespace ota::cli
