// otactl acknowledge: take back the words FAILED and ROLLBACK of a device once you have seen to it
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/selection.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_acknowledge(Context& context) {
  return order_each(context, {.question = "",
                              .path = "/acknowledge",
                              .member = "acknowledged",
                              .done = [](const std::string& id) { return "ACKNOWLEDGED: " + id; }});
}

}  // namespace

Command acknowledge_command() {
  return {.name = "acknowledge",
          .summary = "take back the words FAILED and ROLLBACK of a device once you have seen to it",
          .details = "",
          .positionals = {devices_positional()},
          .options = selecting_options(),
          .examples = {{"otactl acknowledge iot-001", "its state is told by its telemetry again"},
                       {"otactl acknowledge --filter state:FAILED", "all that need hands"}},
          .run = &run_acknowledge};
}

}  // namespace ota::cli
