// otactl revoke: withdraw a device's certificate; its connections end within a second
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/selection.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_revoke(Context& context) {
  return order_each(context, {.question = "Revoke",
                              .path = "/revoke",
                              .member = "revoked",
                              .done = [](const std::string& id) { return "REVOKED: " + id; }});
}

}  // namespace

Command revoke_command() {
  return {.name = "revoke",
          .summary = "withdraw a device's certificate; its connections end within a second",
          .details = "",
          .positionals = {devices_positional()},
          .options = with_selecting_options({{"--yes", "", "do not ask"}}),
          .examples = {{"otactl revoke iot-002", "it must be enrolled anew with a new key"}},
          .run = &run_revoke};
}

}  // namespace ota::cli
