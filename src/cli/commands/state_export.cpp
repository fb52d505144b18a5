// otactl state export: the whole state as one JSON document.
#include "base/file.h"
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/local_store.h"

namespace ota::cli {
namespace {

Result<std::string> document(Context& context) {
  if (!context.arguments.has("--offline")) {
    return context.api.get_text("/v1/state/export", seconds(600));
  }
  const auto store = open_local_store(context);
  if (!store) return store.error();
  return (*store)->export_state();
}

Result<ExitCode> run_state_export(Context& context) {
  const std::string file = context.arguments.text("FILE");
  const auto state = document(context);
  if (!state) return state.error();
  if (file == "-") {
    context.out.json_text(*state);
    return ExitCode::kDone;
  }
  if (const auto written = write_file_durably(file, *state, 0600); !written) return written.error();
  context.out.document(Json{{"file", file}, {"bytes", state->size()}});
  context.out.line("EXPORTED: " + format_bytes(state->size()) + " to " + file, Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command state_export_command() {
  return {.name = "state export",
          .summary = "write the whole state as one JSON file",
          .details =
              "Devices, jobs, enrolments and every event; keys and certificates are files "
              "under state/, copy them apart.",
          .positionals = {{"FILE", "where to; - for standard output"}},
          .options = {{"--offline", "", "read the database itself; the console must not run"}},
          .examples = {{"otactl state export backup.json", "of the running console"},
                       {"otactl state export - | gzip > backup.json.gz", "into a pipe"}},
          .run = &run_state_export};
}

}  // namespace ota::cli
