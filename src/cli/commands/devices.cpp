// otactl devices: the table of all devices.
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/device_columns.h"
#include "cli/selection.h"

namespace ota::cli {
namespace {

// Words of before --filter, which are terms of it.
bool wanted(const Json& row, const Arguments& arguments) {
  const auto is = [&](std::string_view option, const char* key) {
    return !arguments.has(option) || text_at(row, key) == arguments.text(option);
  };
  return is("--state", "state") && is("--verdict", "level");
}

Result<ExitCode> run_devices(Context& context) {
  const Arguments& arguments = context.arguments;
  const auto columns = arguments.has("--columns")
                           ? parse_device_columns(arguments.text("--columns"))
                           : std::vector<std::string_view>();
  if (!columns) return columns.error();
  Json shown = Json::array();
  // Without a word of it they come in the order of their ids.
  const std::string by = arguments.has("--sort") ? arguments.text("--sort") : "device";
  const Order order = arguments.has("--reverse") ? Order::kReverse : Order::kForward;
  // A column that is none is refused before anything is asked.
  if (auto known = sort_devices(shown, by, order); !known) return known.error();
  const auto rows = filtered_devices(context);
  if (!rows) return rows.error();
  for (const Json& row : *rows) {
    if (wanted(row, context.arguments)) shown.push_back(row);
  }
  if (auto sorted = sort_devices(shown, by, order); !sorted) return sorted.error();
  context.out.document(Json{{"devices", shown}});
  const Table table = device_table(shown, context.clock.wall(), *columns);
  if (!table.empty()) {
    context.out.table(table);
    return ExitCode::kDone;
  }
  const bool any = has_filter(arguments) || arguments.has("--state") || arguments.has("--verdict");
  context.out.line(any ? "No device matches." : "No devices: list some in config/devices.json.");
  return ExitCode::kDone;
}

}  // namespace

Command devices_command() {
  return {
      .name = "devices",
      .summary = "the table of all devices: state, verdict, version, last values",
      .details = "The version is the one that the device booted and confirmed.",
      .positionals = {},
      .options = with_filter_options(
          {{"--state", "STATE", "only devices in this state", device_states()},
           {"--verdict",
            "LEVEL",
            "only devices with this verdict",
            {"stable", "watch", "critical", "unknown"}},
           {"--sort", "COLUMN", "in the order of this column: the worst, longest or lowest first"},
           {"--reverse", "", "the other way round"},
           {"--columns", "LIST", "only these columns, in this order: device,version,gate"}}),
      .examples = {{"otactl devices", "all of them"},
                   {"otactl devices --verdict critical", "those that the gate refuses"},
                   {"otactl devices --filter behind",
                    "those that want an update, and what the gate says"},
                   {"otactl devices --filter \"group:floor seen:>1h\"",
                    "who has gone silent there"},
                   {"otactl devices --sort seen --columns device,seen,gate,job",
                    "who has been silent for longest"},
                   {"otactl --json devices", "the same for a program"}},
      .run = &run_devices};
}

}  // namespace ota::cli
