// otactl firmware add: signs an image into the repository of this root. Local: it needs the signing
// keys in ROOT/state/keys. A running console sees the new metadata by itself. With --ddi a .swu
// image, whose signer, version and hardware are read out of it.
#include <algorithm>

#include "base/file.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/patch_maker.h"
#include "cli/swu_archive.h"
#include "cli/swu_description.h"
#include "cli/swu_signature.h"
#include "config/config.h"
#include "ddi/artifacts.h"
#include "model/names.h"
#include "model/release.h"
#include "tuf/repository.h"

namespace ota::cli {
namespace {

struct Swu {
  SwuArchive archive;
  SwuDescription description;
  std::string signer;
};

// A .swu that SWUpdate could fetch and would take, signed by somebody whom this root trusts.
Result<Swu> inspect_swu(const std::filesystem::path& file, const std::filesystem::path& root) {
  const std::string name = file.filename().string();
  if (auto fetchable = ddi::check_file_name(name); !fetchable) return fetchable.error();
  if (!name.ends_with(".swu")) {
    return fail(Errc::kInvalid, "SWUpdate takes only files whose names end in .swu");
  }
  auto archive = read_swu(file);
  if (!archive) return archive.error();
  auto signer = verify_swu_signature(archive->description, archive->signature,
                                     root / "config" / "trusted-signers");
  if (!signer) return signer.error().within(name + " is refused");
  auto description = parse_sw_description(archive->description);
  if (!description) return description.error().within(name);
  if (auto covered = check_payloads(*archive, description->files); !covered)
    return covered.error().within(name + " is refused");
  return Swu{std::move(*archive), std::move(*description), std::move(*signer)};
}

// What the image says of itself fills in what was not given; the two must not differ in version.
Result<void> fill_in_release(model::Release& release, const std::optional<model::Version>& given,
                             const Swu& swu) {
  const auto own = model::Version::parse(swu.description.version);
  if (!own && !given) {
    return own.error().within("sw-description says version \"" + swu.description.version +
                              "\": give one with --version");
  }
  if (own && given && *own != *given) {
    return fail(Errc::kInvalid,
                "sw-description says version " + own->text() + ", --version " + given->text());
  }
  release.version = given ? *given : *own;
  if (release.hardware.empty()) release.hardware = swu.description.hardware;
  if (release.notes.empty()) release.notes = swu.description.name;
  return {};
}

// A model that no device can have is a slip of the pen.
Result<void> check_models(const std::vector<std::string>& models) {
  for (const std::string& model : models) {
    if (!model::valid_name(model)) {
      return usage_error("--hardware \"" + model +
                         "\": no hardware model; accepted: " + std::string(model::kNameWords));
    }
  }
  return {};
}

// One that no listed device has may be meant (the devices come later) and is said. Without a
// readable whitelist nothing is known of it.
void warn_of_unknown_models(Context& context, const std::vector<std::string>& models) {
  const auto text = read_file(context.root / "config" / std::string(config::kWhitelistFile),
                              config::kMaxFileBytes);
  if (!text) return;
  const auto parsed = config::parse_whitelist(*text, "config/devices.json");
  if (!parsed.ok()) return;
  const auto& devices = parsed.value.devices;
  for (const std::string& model : models) {
    const bool known = std::any_of(devices.begin(), devices.end(),
                                   [&](const auto& spec) { return spec.hardware == model; });
    if (!known) context.out.warning("no device of config/devices.json has the model " + model);
  }
}

Result<void> print_swu(Context& context, const model::Release& added, const Swu& swu) {
  // Of the bytes as they are stored: those are what clients fetch and compare.
  const std::filesystem::path firmware = context.root / "firmware";
  const auto digests = ddi::hash_file(firmware, ddi::Artifacts(firmware).path_of(added));
  if (!digests) return digests.error();
  Json document(added);
  document["signer"] = swu.signer;
  document["sha1"] = digests->sha1;
  document["md5"] = digests->md5;
  context.out.document(document);
  context.out.line("PUBLISHED: " + added.version.label() + " as " + added.target, Tone::kGood);
  context.out.line("  signed by " + swu.signer);
  std::string models;
  for (const std::string& model : added.hardware)
    models += (models.empty() ? "" : ", ") + model;
  context.out.line("  for " + models);
  context.out.line("  sha256 " + digests->sha256);
  context.out.line("  sha1   " + digests->sha1);
  context.out.line("  md5    " + digests->md5);
  return {};
}

// What devices fetch instead of the image; a .swu goes to clients that fetch whole files.
Result<MadePatches> patches_for(Context& context, const tuf::Repository& repository,
                                const model::Release& release) {
  auto patches = MadePatches::begin(context.root / "firmware" / "targets");
  if (!patches || context.arguments.has("--no-patches") || context.arguments.has("--ddi"))
    return patches;
  const auto memory = patch_memory(context);
  if (!memory) return memory.error();
  const auto bases = patch_bases(context, repository, release.hardware, release.version);
  if (!bases) return bases.error();
  if (auto made = patches->make(context.arguments.text("FILE"), *bases, *memory); !made)
    return made.error();
  return patches;
}

Result<ExitCode> run_firmware_add(Context& context) {
  const Arguments& arguments = context.arguments;
  const bool ddi = arguments.has("--ddi");
  if (!ddi && (!arguments.has("--version") || !arguments.has("--hardware"))) {
    context.out.problem("firmware add needs --version V and --hardware MODEL",
                        "See: otactl firmware add --help");
    return ExitCode::kUsage;
  }
  const auto version = arguments.version("--version");
  if (!version) return version.error();
  const auto floor = arguments.version("--rollback-floor");
  if (!floor) return floor.error();
  if (auto good = check_models(arguments.list("--hardware")); !good) return good.error();
  const std::filesystem::path file = arguments.text("FILE");
  model::Release release;
  if (*version) release.version = **version;
  release.hardware = arguments.list("--hardware");
  release.notes = arguments.text("--notes");
  if (arguments.has("--class")) {
    release.release_class = *model::parse_release_class(arguments.text("--class"));
  }
  Swu swu;
  if (ddi) {
    auto inspected = inspect_swu(file, context.root);
    if (!inspected) return inspected.error();
    swu = std::move(*inspected);
    if (auto filled = fill_in_release(release, *version, swu); !filled) return filled.error();
    release.target = file.filename().string();
    release.sha256 = swu.archive.sha256;
  }
  const std::filesystem::path firmware = context.root / "firmware";
  const std::filesystem::path keys = context.root / "state" / "keys";
  auto repository = tuf::Repository::open(firmware, keys, context.clock);
  if (!repository) {
    if (repository.error().code != Errc::kNotFound) return repository.error();
    return repository.error().within("no repository in " + firmware.string() +
                                     "; the console makes it at its first run");
  }
  const auto patches = patches_for(context, *repository, release);
  if (!patches) return patches.error();
  auto added = ddi ? repository->add(swu.archive.file, std::move(release), *floor)
                   : repository->add(file, std::move(release), *floor, patches->files());
  if (!added) return added.error();
  warn_of_unknown_models(context, added->hardware);
  if (ddi) {
    if (auto printed = print_swu(context, *added, swu); !printed) return printed.error();
    return ExitCode::kDone;
  }
  context.out.document(Json(*added));
  context.out.line("PUBLISHED: " + added->version.label() + " as " + added->target, Tone::kGood);
  context.out.line("  sha256 " + added->sha256);
  for (const std::string& words : patches->words())
    context.out.line("  " + words);
  for (const std::string& words : patches->left_out())
    context.out.line("  " + words, Tone::kDim);
  return ExitCode::kDone;
}

}  // namespace

Command firmware_add_command() {
  return {.name = "firmware add",
          .summary = "sign and publish an image (local: needs the keys in ROOT/state/keys)",
          .details =
              "With --ddi the image is a .swu for SWUpdate: it must be signed by somebody whom "
              "a certificate in\nconfig/trusted-signers/ vouches for, and its sw-description "
              "gives version and hardware where\n--version and --hardware do not.\nOther images "
              "are packed, and patches are made from the versions that most devices confirm (four "
              "at\nmost, where the console runs), so that devices fetch what changed. That takes "
              "memory and, for a large\nimage, minutes; publish file systems without compression, "
              "since what travels is compressed anyway.",
          .positionals = {{"FILE", "the image"}},
          .options = {{"--ddi", "", "a signed .swu, for devices that speak DDI"},
                      {"--version", "V", "its version (needed without --ddi)", {}, Kind::kVersion},
                      {"--hardware", "MODEL",
                       "a model that it fits (needed without --ddi; once for each)"},
                      {"--class",
                       "CLASS",
                       "what kind of release it is (functional)",
                       {"functional", "security", "remediation"}},
                      {"--notes", "TEXT", "one line for operators"},
                      {"--rollback-floor",
                       "V",
                       "devices that know it never go below V again",
                       {},
                       Kind::kVersion},
                      {"--patches-from",
                       "V",
                       "make a patch from this version instead (once for each)",
                       {},
                       Kind::kVersion},
                      {.name = "--no-patches",
                       .value = "",
                       .help = "publish the image alone",
                       .excludes = {"--patches-from"}},
                      {"--patch-memory",
                       "MIB",
                       "what making them may take (a third of the machine's)",
                       {},
                       Kind::kNumber}},
          .examples = {{"otactl firmware add gateway-2.1.6.swu --ddi --hardware gw-2",
                        "for SWUpdate devices of one model"},
                       {"otactl firmware add build/fw.img --version 2.1.6 --hardware sim-a",
                        "for one model"},
                       {"otactl firmware add fix.img --version 2.1.7 --hardware sim-a --hardware "
                        "rpi4 --class security --notes \"closes the debug port\"",
                        "for two models, as a security release"}},
          .run = &run_firmware_add};
}

}  // namespace ota::cli
