// otactl firmware add: signs an image into the repository of this root. Local: it needs the signing
// keys in ROOT/state/keys. A running console sees the new metadata by itself.
#include "cli/commands/all.h"
#include "cli/context.h"
#include "model/release.h"
#include "tuf/repository.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_firmware_add(Context& context) {
  const Arguments& arguments = context.arguments;
  if (!arguments.has("--version") || !arguments.has("--hardware")) {
    context.out.problem("firmware add needs --version V and --hardware MODEL",
                        "See: otactl firmware add --help");
    return ExitCode::kUsage;
  }
  const auto version = arguments.version("--version");
  if (!version) return version.error();
  model::Release release;
  release.version = **version;
  release.hardware = arguments.list("--hardware");
  release.notes = arguments.text("--notes");
  if (arguments.has("--class")) {
    release.release_class = *model::parse_release_class(arguments.text("--class"));
  }
  const std::filesystem::path firmware = context.root / "firmware";
  const std::filesystem::path keys = context.root / "state" / "keys";
  auto repository = tuf::Repository::open(firmware, keys, context.clock);
  if (!repository) {
    if (repository.error().code != Errc::kNotFound) return repository.error();
    return repository.error().within("no repository in " + firmware.string() +
                                     "; the console makes it at its first run");
  }
  const auto floor = arguments.version("--rollback-floor");
  if (!floor) return floor.error();
  auto added = repository->add(arguments.text("FILE"), std::move(release), *floor);
  if (!added) return added.error();
  context.out.document(Json(*added));
  context.out.line("PUBLISHED: " + added->version.label() + " as " + added->target, Tone::kGood);
  context.out.line("  sha256 " + added->sha256);
  return ExitCode::kDone;
}

}  // namespace

Command firmware_add_command() {
  return {.name = "firmware add",
          .summary = "sign and publish an image (local: needs the keys in ROOT/state/keys)",
          .details = "",
          .positionals = {{"FILE", "the image"}},
          .options = {{"--version", "V", "its version (needed)"},
                      {"--hardware", "MODEL", "a model that it fits (needed; once for each)"},
                      {"--class",
                       "CLASS",
                       "what kind of release it is (functional)",
                       {"functional", "security", "remediation"}},
                      {"--notes", "TEXT", "one line for operators"},
                      {"--rollback-floor", "V", "devices that know it never go below V again"}},
          .examples = {{"otactl firmware add build/fw.img --version 2.1.6 --hardware sim-a",
                        "for one model"},
                       {"otactl firmware add fix.img --version 2.1.7 --hardware sim-a --hardware "
                        "rpi4 --class security --notes \"closes the debug port\"",
                        "for two models, as a security release"}},
          .run = &run_firmware_add};
}

}  // namespace ota::cli
