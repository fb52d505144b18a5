// otactl revoke: withdraw a device's certificate; its connections end within a second
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_revoke(Context& context) {
  const std::string id = context.arguments.text("ID");
  if (const auto code = unless_confirmed(context, "Revoke " + id + "?")) return *code;
  const auto answer = context.api.post("/v1/devices/" + url_escape(id) + "/revoke", Json::object());
  if (!answer) return answer.error();
  context.out.document(Json{{"revoked", id}});
  context.out.line("REVOKED: " + id, Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command revoke_command() {
  return {.name = "revoke",
          .summary = "withdraw a device's certificate; its connections end within a second",
          .details = "",
          .positionals = {{"ID", "the device"}},
          .options = {{"--yes", "", "do not ask"}},
          .examples = {{"otactl revoke iot-002", "it must be enrolled anew with a new key"}},
          .run = &run_revoke};
}

}  // namespace ota::cli
