// otactl devices: the table of all devices.
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/fetch.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

bool wanted(const Json& row, const Arguments& arguments) {
  const auto matches = [&](std::string_view option, const char* key) {
    return !arguments.has(option) || text_at(row, key) == arguments.text(option);
  };
  return matches("--state", "state") && matches("--verdict", "level") &&
         matches("--group", "group") && matches("--model", "hardware");
}

Result<ExitCode> run_devices(Context& context) {
  const auto rows = fetch_devices(context.api);
  if (!rows) return rows.error();
  Json shown = Json::array();
  for (const Json& row : *rows) {
    if (wanted(row, context.arguments)) shown.push_back(row);
  }
  context.out.document(Json{{"devices", shown}});
  const Table table = device_table(shown, context.clock.wall());
  if (table.empty()) {
    context.out.line(rows->empty() ? "No devices: list some in config/devices.json."
                                   : "No device matches.");
  } else {
    context.out.table(table);
  }
  return ExitCode::kDone;
}

}  // namespace

Command devices_command() {
  return {
      .name = "devices",
      .summary = "the table of all devices: state, verdict, version, last values",
      .details = "The version is the one that the device booted and confirmed.",
      .positionals = {},
      .options = {{"--state",
                   "STATE",
                   "only devices in this state",
                   {"FAILED", "ROLLBACK", "BLOCKED", "UPDATING", "OFFLINE", "UNKNOWN", "ONLINE"}},
                  {"--verdict",
                   "LEVEL",
                   "only devices with this verdict",
                   {"stable", "watch", "critical", "unknown"}},
                  {"--group", "NAME", "only devices of this group"},
                  {"--model", "MODEL", "only devices of this hardware model"}},
      .examples = {{"otactl devices", "all of them"},
                   {"otactl devices --verdict critical", "those that the gate refuses"},
                   {"otactl --json devices", "the same for a program"}},
      .run = &run_devices};
}

}  // namespace ota::cli
