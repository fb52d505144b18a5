// otactl rollback: send a device back to its previous image; never gated
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/selection.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_rollback(Context& context) {
  return order_each(context, {.question = "Roll back",
                              .path = "/rollback",
                              .member = "rollback",
                              .done = [](const std::string& id) {
                                return "ROLLBACK: " + id +
                                       " was told to go back to its previous slot";
                              }});
}

}  // namespace

Command rollback_command() {
  return {.name = "rollback",
          .summary = "send a device back to its previous image; never gated",
          .details = "",
          .positionals = {devices_positional()},
          .options = with_selecting_options({{"--yes", "", "do not ask"}}),
          .examples = {{"otactl rollback iot-001", "to what it ran before the last update"},
                       {"otactl rollback --from-version 2.1.6", "every device that runs it"}},
          .run = &run_rollback};
}

}  // namespace ota::cli
