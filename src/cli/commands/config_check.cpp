// otactl config check: are the four files of config/ good? Starts and asks nothing.
#include "cli/commands/all.h"
#include "cli/context.h"
#include "config/config.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_config_check(Context& context) {
  const auto parsed = config::load(context.root);
  Json problems = Json::array();
  for (const config::Problem& problem : parsed.problems) {
    problems.push_back({{"file", problem.file},
                        {"line", problem.line},
                        {"column", problem.column},
                        {"message", problem.message}});
    context.out.line(problem.text(), Tone::kBad);
  }
  context.out.document(Json{{"ok", parsed.ok()}, {"problems", problems}});
  if (!parsed.ok()) return ExitCode::kError;
  context.out.line("OK: config of " + context.root.string(), Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command config_check_command() {
  return {.name = "config check",
          .summary = "check the files of ROOT/config without starting anything",
          .details =
              "Every problem is named with file, line, column, what was found and what is "
              "accepted; exit 1.",
          .positionals = {},
          .options = {},
          .examples = {{"otactl config check", "before the console sees the edit"},
                       {"otactl --root /srv/ota --json config check", "from a deployment script"}},
          .run = &run_config_check};
}

}  // namespace ota::cli
