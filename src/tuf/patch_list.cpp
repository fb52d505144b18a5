#include "tuf/patch_list.h"

#include <algorithm>
#include <functional>
#include <map>

#include "model/event_kind.h"
#include "tuf/change.h"
#include "tuf/error.h"
#include "tuf/journal.h"
#include "tuf/names.h"

namespace ota::tuf {
namespace fs = std::filesystem;
namespace {

std::string path_of(const TargetInfo& target, const Firmware& firmware, const Patch& patch) {
  return target_url_path(patch_name(target.name, firmware.release.sha256, patch), patch.sha256);
}

// The lists that may name patches: that of the top-level role and one of each model.
std::vector<std::string> roles_of(const Targets& tree) {
  std::vector<std::string> roles{std::string(kTargets)};
  for (const DelegatedRole& role : tree.delegations)
    roles.push_back(role.name);
  return roles;
}

using Visit = std::function<void(const TargetInfo&, const Firmware&)>;

Result<void> each_firmware(const Json& part, const Visit& visit) {
  const auto targets = parse_targets(part);
  if (!targets) return targets.error();
  for (const auto& [name, target] : targets->targets) {
    const auto firmware = firmware_of(target);
    if (!firmware) return firmware.error();
    visit(target, *firmware);
  }
  return {};
}

// True where the part named one of them.
bool leave_out(Json& part, const std::set<std::string>& bases) {
  bool changed = false;
  for (auto& [name, target] : part.at("targets").items()) {
    const auto custom = target.find("custom");
    if (custom == target.end() || !custom->contains("patches")) continue;
    Json kept = Json::array();
    for (const Json& patch : custom->at("patches")) {
      if (!bases.contains(patch.value("from", ""))) kept.push_back(patch);
    }
    if (kept.size() == custom->at("patches").size()) continue;
    changed = true;
    if (kept.empty()) {
      custom->erase("patches");
    } else {
      (*custom)["patches"] = std::move(kept);
    }
  }
  return changed;
}

bool is_patch_file(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.find(".patch-") != std::string::npos || name.find(".packed-") != std::string::npos;
}

Result<std::size_t> remove_unnamed(const Change& change) {
  const fs::path folder = change.publisher.files.targets();
  std::set<fs::path> named;
  const Visit name = [&](const TargetInfo& target, const Firmware& firmware) {
    if (firmware.packed) named.insert(folder / path_of(target, firmware, *firmware.packed));
    for (const Patch& patch : firmware.patches)
      named.insert(folder / path_of(target, firmware, patch));
  };
  const auto to_be = change.targets_to_be();
  if (!to_be) return to_be.error();
  for (const std::string& role : roles_of(change.now.targets)) {
    if (auto seen = each_firmware(change.now.json_of(role), name); !seen) return seen.error();
  }
  for (const std::string& role : roles_of(*to_be)) {
    if (auto seen = each_firmware(change.part_of(role), name); !seen) return seen.error();
  }
  std::vector<fs::path> unnamed;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_regular_file() && is_patch_file(entry->path()) && !named.contains(entry->path()))
      unnamed.push_back(entry->path());
  }
  if (error) return fail_errno(error.value(), "read " + folder.string());
  for (const fs::path& path : unnamed) {
    fs::remove(path, error);
    if (error) return fail_errno(error.value(), "remove " + path.string());
  }
  return unnamed.size();
}

}  // namespace

Result<std::vector<PublishedPatch>> PatchList::published() const {
  PublishedFiles files(firmware_);
  const auto now = files.load();
  if (!now) return now.error();
  std::vector<PublishedPatch> out;
  const Visit collect = [&](const TargetInfo& target, const Firmware& firmware) {
    for (const Patch& patch : firmware.patches) {
      out.push_back({firmware.release.version, firmware.release.hardware.front(),
                     firmware.release.length, patch,
                     files.targets() / path_of(target, firmware, patch)});
    }
  };
  for (const std::string& role : roles_of(now->targets)) {
    if (auto seen = each_firmware(now->json_of(role), collect); !seen) return seen.error();
  }
  std::ranges::stable_sort(out, std::greater<>(), &PublishedPatch::version);
  return out;
}

Result<void> PatchList::do_remove(const std::set<std::string>& bases) const {
  auto change = Change::begin(firmware_, keys_, clock_);
  if (!change) return change.error();
  const auto tree = change->targets_to_be();
  if (!tree) return tree.error();
  std::vector<std::string> changed;
  for (const std::string& role : roles_of(*tree)) {
    Json part = change->part_of(role);
    if (!leave_out(part, bases)) continue;
    if (auto staged = change->stage(role, std::move(part)); !staged) return staged;
    changed.push_back(role);
  }
  if (changed.empty()) {
    // Unless they were taken out before, and that waits.
    for (const std::string& role : roles_of(*tree)) {
      if (auto waits = change->waiting(role); !waits) return waits;
    }
    return ota::fail(ota::Errc::kNotFound, "no patch is from these images");
  }
  if (auto done = change->complete(); !done) return done.error();
  for (const std::string& role : changed) {
    if (auto waits = change->waiting(role); !waits) return waits;
  }
  const auto swept = remove_unnamed(*change);
  return swept ? Result<void>() : swept.error();
}

Result<void> PatchList::remove(const std::set<std::string>& bases) const {
  auto removed = do_remove(bases);
  std::string what = "patches from";
  for (const std::string& base : bases)
    what += " " + base.substr(0, 16) + "...";
  // A journal that cannot be written does not take back what was published.
  static_cast<void>(
      Journal(keys_).add(entry_of(clock_.wall(), model::event_kind::kFirmwareRemove,
                                  what + (removed ? " are no longer published" : ""),
                                  removed ? std::optional<Error>() : removed.error())));
  return removed;
}

Result<std::size_t> PatchList::sweep() const {
  const auto change = Change::begin(firmware_, keys_, clock_);
  if (!change) return change.error();
  return remove_unnamed(*change);
}

}  // namespace ota::tuf
