// otactl firmware list: what is published, from the server or from the signed metadata itself.
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"
#include "fleet/catalogue.h"
#include "model/release.h"
#include "tuf/repository.h"

namespace ota::cli {
namespace {

Result<Json> from_folder(Context& context) {
  auto repository = tuf::Repository::open(context.root / "firmware",
                                          context.root / "state" / "keys", context.clock);
  if (!repository) return repository.error();
  const auto releases = repository->releases();
  if (!releases) return releases.error();
  const auto roles = repository->status();
  if (!roles) return roles.error();
  return Json{{"releases", fleet::by_image(*releases)}, {"roles", *roles}};
}

std::string joined(const Json& list) {
  std::string out;
  for (const Json& entry : list) {
    if (entry.is_string()) out += (out.empty() ? "" : ",") + entry.get<std::string>();
  }
  return printable(out, 64);
}

Result<ExitCode> run_firmware_list(Context& context) {
  const auto answer =
      context.arguments.has("--offline") ? from_folder(context) : context.api.get("/v1/firmware");
  if (!answer) return answer.error();
  context.out.document(*answer);
  Table table(
      {{"VERSION"}, {"CLASS"}, {"MODELS"}, {"SIZE", Align::kRight}, {"SHA-256"}, {"NOTES"}});
  for (const Json& release : list_at(*answer, "releases")) {
    table.add({version_of(release), text_at(release, "class"), joined(list_at(release, "hardware")),
               format_bytes(count_at(release, "length")), text_at(release, "sha256").substr(0, 16),
               printable(text_at(release, "notes"), 60)});
  }
  if (table.empty()) {
    context.out.line(
        "Nothing is published; add an image with: otactl firmware add FILE --version V "
        "--hardware MODEL");
  } else {
    context.out.table(table);
  }
  for (const Json& role : list_at(*answer, "roles")) {
    context.out.line(text_at(role, "role") + ": version " +
                     std::to_string(count_at(role, "version")) + ", expires " +
                     dash(text_at(role, "expires")) + ", " +
                     std::to_string(count_at(role, "threshold")) + " of " +
                     std::to_string(count_at(role, "keys")) + " keys, " +
                     (is_set(role, "keys_online") ? "online" : "offline"));
  }
  return ExitCode::kDone;
}

}  // namespace

Command firmware_list_command() {
  return {
      .name = "firmware list",
      .summary = "what is published, and the state of the signing roles",
      .details = "",
      .positionals = {},
      .options = {{"--offline", "", "read and verify ROOT/firmware itself, without the server"}},
      .examples = {{"otactl firmware list", "newest version first"},
                   {"otactl firmware list --offline", "while the console is down"}},
      .run = &run_firmware_list};
}

}  // namespace ota::cli
