// otactl acknowledge: take back the words FAILED and ROLLBACK of a device once you have seen to it
#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_acknowledge(Context& context) {
  const std::string id = context.arguments.text("ID");
  const auto answer =
      context.api.post("/v1/devices/" + url_escape(id) + "/acknowledge", Json::object());
  if (!answer) return answer.error();
  context.out.document(Json{{"acknowledged", id}});
  context.out.line("ACKNOWLEDGED: " + id, Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command acknowledge_command() {
  return {.name = "acknowledge",
          .summary = "take back the words FAILED and ROLLBACK of a device once you have seen to it",
          .details = "",
          .positionals = {{"ID", "the device"}},
          .options = {},
          .examples = {{"otactl acknowledge iot-001", "its state is told by its telemetry again"}},
          .run = &run_acknowledge};
}

}  // namespace ota::cli
