// otactl firmware patches: makes the packed image, and patches from other versions, of a release
// that is published. Local, like firmware add; the new entry needs the role's signatures again.
#include <algorithm>

#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/patch_maker.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_firmware_patches(Context& context) {
  const auto version = context.arguments.version("VERSION");
  if (!version) return version.error();
  const auto memory = patch_memory(context);
  if (!memory) return memory.error();
  const std::filesystem::path firmware = context.root / "firmware";
  auto repository = tuf::Repository::open(firmware, context.root / "state" / "keys", context.clock);
  if (!repository) return repository.error();
  const auto releases = repository->releases();
  if (!releases) return releases.error();
  Json document = Json::array();
  // One for each model; models may share an image.
  std::vector<std::string> done;
  for (const model::Release& release : *releases) {
    if (release.version != **version || std::ranges::find(done, release.sha256) != done.end())
      continue;
    done.push_back(release.sha256);
    model::Release again = release;
    again.hardware.clear();
    for (const model::Release& other : *releases) {
      if (other.sha256 == release.sha256 && other.version == release.version)
        again.hardware.insert(again.hardware.end(), other.hardware.begin(), other.hardware.end());
    }
    again.target = release.file_name();
    const auto bases = patch_bases(context, *repository, again.hardware, **version);
    if (!bases) return bases.error();
    auto patches = MadePatches::begin(firmware / "targets");
    if (!patches) return patches.error();
    const std::filesystem::path image = repository->image_of(release);
    if (auto made = patches->make(image, *bases, *memory); !made) return made.error();
    if (!patches->files().empty()) {
      const auto added = repository->add(image, std::move(again), {}, patches->files());
      if (!added) return added.error();
      document.push_back(Json(*added));
    }
    context.out.line((patches->files().empty() ? "NOTHING MADE: " : "PUBLISHED: patches of ") +
                         release.version.label() + " as " + release.target,
                     patches->files().empty() ? Tone::kPlain : Tone::kGood);
    for (const std::string& words : patches->words())
      context.out.line("  " + words);
    for (const std::string& words : patches->left_out())
      context.out.line("  " + words, Tone::kDim);
  }
  if (done.empty()) return fail(Errc::kNotFound, (*version)->label() + " is not published");
  context.out.document(document);
  return ExitCode::kDone;
}

}  // namespace

Command firmware_patches_command() {
  return {.name = "firmware patches",
          .summary = "make what devices fetch instead of a published image (local)",
          .details =
              "A packed image, and patches from the versions that most devices confirm (four at "
              "most, where the console\nruns). They are signed in the release's own entry, so "
              "its keys are needed again.",
          .positionals = {{"VERSION", "the release", Positional::Count::kOne, Kind::kVersion}},
          .options = {{"--patches-from",
                       "V",
                       "make a patch from this version instead (once for each)",
                       {},
                       Kind::kVersion},
                      {"--patch-memory",
                       "MIB",
                       "what making them may take (a third of the machine's)",
                       {},
                       Kind::kNumber}},
          .examples = {{"otactl firmware patches 2.1.6 --patches-from 2.1.3",
                        "for devices that were away for long"}},
          .run = &run_firmware_patches};
}

}  // namespace ota::cli
