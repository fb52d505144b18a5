// otactl firmware prune: takes out the patches whose base no device has any more. Local, like
// firmware add; the new lists need their roles' signatures again.
#include <filesystem>
#include <set>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/fetch.h"
#include "tuf/error.h"
#include "tuf/patch_list.h"

namespace ota::cli {
namespace {

constexpr std::uint64_t kDays = 30;
constexpr std::uint64_t kMostDays = 3650;

// The images that devices confirmed, or have in their other slot and may go back to, by the last
// word of each, where that is not older.
Result<std::set<std::string>> in_use(Context& context, WallTime since) {
  const auto rows = fetch_devices(context.api);
  if (!rows) return rows.error();
  std::set<std::string> out;
  for (const Json& row : *rows) {
    const auto seen = parse_rfc3339(text_at(row, "last_seen"));
    if (!seen || *seen < since || !row.contains("facts")) continue;
    for (const char* fact : {"confirmed", "previous"}) {
      if (row["facts"].contains(fact)) out.insert(text_at(row["facts"][fact], "sha256"));
    }
  }
  return out;
}

// Nobody can have gone without a patch for longer than it has been there.
bool is_older(const std::filesystem::path& file, WallTime since) {
  std::error_code gone;
  const auto made = std::filesystem::last_write_time(file, gone);
  if (gone) return true;
  const auto wall = std::chrono::file_clock::to_sys(made);
  return std::chrono::time_point_cast<WallTime::duration>(wall) <= since;
}

Result<ExitCode> run_firmware_prune(Context& context) {
  const auto asked = context.arguments.number("--days");
  if (!asked) return asked.error();
  const std::uint64_t days = asked->value_or(kDays);
  if (days == 0 || days > kMostDays) return usage_error("--days takes 1 to 3650");
  const WallTime since = context.clock.wall() - std::chrono::days(days);
  const tuf::PatchList list(context.root / "firmware", context.root / "state" / "keys",
                            context.clock);
  // What people have signed since the last time.
  const auto swept = list.sweep();
  if (!swept) return swept.error();
  if (*swept > 0)
    context.out.line("REMOVED: " + std::to_string(*swept) + " files that nothing names any more");
  const auto published = list.published();
  if (!published) return published.error();
  const auto used = in_use(context, since);
  if (!used) return used.error().within("which devices need a patch only the console knows");
  std::set<std::string> due;
  Json document = Json::array();
  Table table({{"PATCH TO"}, {"FROM"}, {"MODEL"}, {"SIZE", Align::kRight}});
  for (const tuf::PublishedPatch& entry : *published) {
    if (used->contains(entry.patch.from) || !is_older(entry.file, since)) continue;
    due.insert(entry.patch.from);
    document.push_back({{"version", entry.version},
                        {"hardware", entry.hardware},
                        {"from", entry.patch.from},
                        {"from_version", entry.patch.from_version},
                        {"length", entry.patch.length}});
    table.add({entry.version.label(), entry.patch.from_version.label(), printable(entry.hardware),
               format_bytes(entry.patch.length)});
  }
  context.out.document(document);
  if (due.empty()) {
    context.out.line("Every patch is from an image that a device had in the last " +
                     std::to_string(days) + " days, or is younger.");
    return ExitCode::kDone;
  }
  context.out.table(table);
  if (const auto code = unless_confirmed(context, "Take these patches out of what is published?",
                                         "Nothing was taken out.")) {
    return *code;
  }
  if (auto removed = list.remove(due); !removed) return removed.error();
  context.out.line("REMOVED: patches from " + std::to_string(due.size()) + " images", Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command firmware_prune_command() {
  return {.name = "firmware prune",
          .summary = "take out the patches whose base no device has any more (local)",
          .details =
              "A base is in use while a device that was heard of within the days confirmed it, or "
              "has it in its other\nslot. A patch that is younger than that stays. The lists are "
              "signed anew, so the models' keys are needed;\nwhere those are offline the files go "
              "at the next prune after the signatures.",
          .positionals = {},
          .options = {{"--days", "N", "for how long nobody had the base (30)", {}, Kind::kNumber},
                      {"--yes", "", "do not ask"}},
          .examples = {{"otactl firmware prune", "shows them and asks"}},
          .run = &run_firmware_prune};
}

}  // namespace ota::cli
