// otactl firmware remove: takes a version out of the signed metadata. Local, like firmware add.
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "tuf/repository.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_firmware_remove(Context& context) {
  const auto version = context.arguments.version("VERSION");
  if (!version) return version.error();
  auto repository = tuf::Repository::open(context.root / "firmware",
                                          context.root / "state" / "keys", context.clock);
  if (!repository) return repository.error();
  const std::string label = (*version)->label();
  if (const auto code = unless_confirmed(context, "Remove " + label + " from what is published?",
                                         "Nothing was removed.")) {
    return *code;
  }
  const auto removed = repository->remove(**version);
  if (!removed) return removed.error();
  context.out.document(Json{{"removed", (*version)->text()}});
  context.out.line("REMOVED: " + label, Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command firmware_remove_command() {
  return {.name = "firmware remove",
          .summary = "take a version out of what is published (local, like firmware add)",
          .details = "Devices that run it keep running it; none gets it any more.",
          .positionals = {{"VERSION", "the version", Positional::Count::kOne, Kind::kVersion}},
          .options = {{"--yes", "", "do not ask"}},
          .examples = {{"otactl firmware remove 2.1.6", "a release that should not have gone out"}},
          .run = &run_firmware_remove};
}

}  // namespace ota::cli
