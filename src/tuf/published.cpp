#include "tuf/published.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/beneath.h"
#include "tuf/error.h"
#include "tuf/names.h"
#include "tuf/trusted_set.h"

namespace ota::tuf {
namespace {

constexpr std::size_t kMaxFileBytes = 5000000;  // what clients accept of a targets file

Result<Json> signed_part_of(std::string_view file, std::string_view type) {
  auto envelope = parse_envelope(file, type);
  if (!envelope) return envelope.error();
  return std::move(envelope->signed_part);
}

std::filesystem::path below_firmware(std::string_view role, std::optional<std::uint64_t> version) {
  return std::filesystem::path("metadata") / metadata_path(role, version);
}

// The version in "7.targets.json"; 0 where `name` is not of this form.
std::uint64_t version_in(const std::string& name, std::string_view role) {
  std::uint64_t version = 0;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, version);
  const std::string_view tail(rest, static_cast<std::size_t>(end - rest));
  return error == std::errc{} && tail == "." + percent_encode(role) + ".json" ? version : 0;
}

}  // namespace

std::uint64_t Published::version_of(std::string_view role) const {
  if (role == kTargets) return targets.version;
  const auto found = delegated.find(role);
  return found == delegated.end() ? 0 : found->second.targets.version;
}

Json Published::json_of(std::string_view role) const {
  if (role == kTargets) return targets_json;
  const auto found = delegated.find(role);
  if (found != delegated.end()) return found->second.json;
  Json empty = targets_json;
  empty["targets"] = Json::object();
  empty.erase("delegations");
  return empty;
}

std::string signed_file(const Json& signed_part, const std::vector<Signature>& signatures) {
  Json list = Json::array();
  for (const Signature& signature : signatures)
    list.push_back({{"keyid", signature.keyid}, {"sig", signature.sig}});
  return Json{{"signatures", list}, {"signed", signed_part}}.dump(1) + "\n";
}

Result<std::vector<Signature>> sign_with(const std::vector<Signer>& signers,
                                         const Json& signed_part) {
  const std::string bytes = canonical(signed_part);
  std::vector<Signature> signatures;
  for (const Signer& signer : signers) {
    auto sig = signer.sign(bytes);
    if (!sig) return sig.error();
    signatures.push_back({signer.public_key().id(), std::move(*sig)});
  }
  return signatures;
}

std::string tuf_time(WallTime time) {
  return format_rfc3339(time, Fraction::kNone);
}

Result<FileLock> PublishedFiles::lock() const {
  constexpr int kPatienceMs = 10000;
  if (auto made = make_directories(metadata()); !made) return made.error();
  if (auto made = make_directories(targets()); !made) return made.error();
  return FileLock::acquire(firmware_ / ".lock", kPatienceMs);
}

Result<std::string> PublishedFiles::newest_root() const {
  std::uint64_t newest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(metadata(), error)) {
    newest = std::max(newest, version_in(entry.path().filename().string(), kRoot));
  }
  if (newest == 0) return ota::fail(ota::Errc::kNotFound, "no root in " + metadata().string());
  return read_beneath(firmware_, below_firmware(kRoot, newest), kMaxFileBytes);
}

Result<Published> PublishedFiles::load() const {
  Published out;
  auto root = newest_root();
  if (!root) return root.error();
  const auto timestamp = read_beneath(firmware_, below_firmware(kTimestamp, {}), kMaxFileBytes);
  if (!timestamp) return timestamp.error();
  auto set = TrustedSet::start(*root, WallTime{});
  if (!set) return set.error();
  if (auto valid = set->update_timestamp(*timestamp); !valid) return valid.error();
  out.timestamp = *set->timestamp();
  const std::uint64_t snapshot_version = out.timestamp.snapshot.version;
  const auto snapshot =
      read_beneath(firmware_, below_firmware(kSnapshot, snapshot_version), kMaxFileBytes);
  if (!snapshot) return snapshot.error();
  if (auto valid = set->update_snapshot(*snapshot); !valid) return valid.error();
  const MetaFile* meta = set->announced(kTargets);
  if (meta == nullptr) return fail(Errc::kMixAndMatch, "the snapshot does not list targets.json");
  const auto targets =
      read_beneath(firmware_, below_firmware(kTargets, meta->version), kMaxFileBytes);
  if (!targets) return targets.error();
  if (auto valid = set->update_targets(*targets); !valid) return valid.error();

  for (const DelegatedRole& role : set->targets().find(kTargets)->second.delegations) {
    const MetaFile* listed = set->announced(role.name);
    if (listed == nullptr) continue;  // nothing was signed in it yet
    const auto file =
        read_beneath(firmware_, below_firmware(role.name, listed->version), kMaxFileBytes);
    if (!file) return file.error();
    if (auto valid = set->update_delegated(*file, role.name, kTargets); !valid)
      return valid.error();
    auto json = signed_part_of(*file, kTargets);
    if (!json) return json.error();
    out.delegated.emplace(role.name,
                          PublishedRole{std::move(*json), set->targets().find(role.name)->second});
  }

  const std::pair<std::string_view, std::pair<const std::string*, Json*>> parts[] = {
      {kRoot, {&*root, &out.root_json}},
      {kTimestamp, {&*timestamp, &out.timestamp_json}},
      {kSnapshot, {&*snapshot, &out.snapshot_json}},
      {kTargets, {&*targets, &out.targets_json}}};
  for (const auto& [type, part] : parts) {
    auto json = signed_part_of(*part.first, type);
    if (!json) return json.error();
    *part.second = std::move(*json);
  }
  out.root = set->root();
  out.snapshot = *set->snapshot();
  out.targets = set->targets().find(kTargets)->second;
  out.root_file = std::move(*root);
  return out;
}

Result<std::string> PublishedFiles::file(std::string_view role, std::uint64_t version) const {
  return read_beneath(firmware_, below_firmware(role, version), kMaxFileBytes);
}

Result<Json> PublishedFiles::envelope(std::string_view role, std::uint64_t version) const {
  const auto content = file(role, version);
  if (!content) return content.error();
  auto json = parse_strict(*content);
  if (!json) return json.error().within((metadata() / metadata_path(role, version)).string());
  return json;
}

Result<std::vector<Json>> PublishedFiles::roots(std::uint64_t newest) const {
  std::vector<Json> out;
  for (std::uint64_t version = 1; version <= newest; ++version) {
    auto root = envelope(kRoot, version);
    if (!root) return root.error();
    out.push_back(std::move(*root));
  }
  return out;
}

Result<void> PublishedFiles::write(std::string_view role, std::optional<std::uint64_t> version,
                                   std::string_view file) const {
  return write_file_durably(metadata() / metadata_path(role, version), file);
}

void PublishedFiles::prune(const Published& current) const {
  constexpr std::uint64_t kKept = 16;  // devices that are in the middle of a refresh
  std::error_code ignored;
  std::vector<std::filesystem::path> old;
  const auto is_old = [&](const std::string& name, std::string_view role, std::uint64_t now) {
    const std::uint64_t version = version_in(name, role);
    return version > 0 && version + kKept < now;
  };
  for (const auto& entry : std::filesystem::directory_iterator(metadata(), ignored)) {
    const std::string name = entry.path().filename().string();
    const bool delegated = std::ranges::any_of(current.delegated, [&](const auto& role) {
      return is_old(name, role.first, role.second.targets.version);
    });
    if (delegated || is_old(name, kSnapshot, current.snapshot.version) ||
        is_old(name, kTargets, current.targets.version)) {
      old.push_back(entry.path());
    }
  }
  for (const auto& path : old)
    ::unlink(path.c_str());
}

}  // namespace ota::tuf
