#include "tuf/publisher.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "tuf/error.h"

namespace ota::tuf {
namespace {

constexpr std::size_t kMaxDraftBytes = 5000000;

std::vector<const Role*> role_in(const std::vector<const Root*>& roots, std::string_view name) {
  std::vector<const Role*> roles;
  roles.reserve(roots.size());
  for (const Root* root : roots)
    roles.push_back(&root->roles.find(name)->second);
  return roles;
}

// Signs with what is here and sees to it that every one of the roots is satisfied.
Result<std::string> sign_for(const Publisher& publisher, const Json& part,
                             const std::vector<const Root*>& roots, std::string_view name) {
  const auto draft = publisher.sign(part, role_in(roots, name));
  if (!draft) return draft.error();
  for (const Root* root : roots) {
    if (auto enough = draft->check(*root, name); !enough) {
      return fail(Errc::kThreshold, enough.error().context);
    }
  }
  return draft->file();
}

}  // namespace

Json new_part(std::string_view type, std::uint64_t version, WallTime expires) {
  return {{"_type", std::string(type)},
          {"spec_version", "1.0.34"},
          {"version", version},
          {"expires", tuf_time(expires)}};
}

Json announcement(std::uint64_t version, std::string_view file) {
  return {{"version", version},
          {"length", file.size()},
          {"hashes", {{"sha256", to_hex(sha256(as_bytes(file)))}}}};
}

void Draft::put(Signature signature) {
  std::erase_if(signatures, [&](const Signature& s) { return s.keyid == signature.keyid; });
  signatures.push_back(std::move(signature));
}

Result<void> Draft::check(const Root& root, std::string_view role) const {
  Envelope envelope;
  envelope.signed_bytes = canonical(part);
  envelope.signatures = signatures;
  return verify_threshold(envelope, root.roles.find(role)->second, root.keys, role);
}

std::size_t Publisher::online_keys(const Role& role) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(role.keyids, [&](const auto& id) { return keys.has(id); }));
}

Result<Draft> Publisher::sign(const Json& part, const std::vector<const Role*>& roles) const {
  Draft draft{part, {}};
  for (const Role* role : roles) {
    auto signatures = sign_with(keys.of_role(*role), part);
    if (!signatures) return signatures.error();
    for (Signature& signature : *signatures)
      draft.put(std::move(signature));
  }
  return draft;
}

Result<void> Publisher::publish_timestamp(const std::vector<const Root*>& roots,
                                          std::uint64_t version, const Json& snapshot_meta) const {
  const WallTime now = clock->wall();
  Json part = new_part(kTimestamp, version, now + kTimestampLife);
  part["meta"] = {{"snapshot.json", snapshot_meta}};
  part["x-ota-issued"] = tuf_time(now);
  const auto file = sign_for(*this, part, roots, kTimestamp);
  if (!file) return file.error();
  return files.write(kTimestamp, {}, *file);
}

Result<void> Publisher::publish_snapshot(const std::vector<const Root*>& roots,
                                         std::uint64_t version, const Json& meta,
                                         std::uint64_t timestamp_version) const {
  Json part = new_part(kSnapshot, version, clock->wall() + kSnapshotLife);
  part["meta"] = meta;
  const auto file = sign_for(*this, part, roots, kSnapshot);
  if (!file) return file.error();
  if (auto written = files.write(kSnapshot, version, *file); !written) return written;
  return publish_timestamp(roots, timestamp_version, announcement(version, *file));
}

Result<void> Publisher::publish_targets_file(const Published& now, std::uint64_t version,
                                             const std::string& file,
                                             const std::vector<const Root*>& roots) const {
  if (auto written = files.write(kTargets, version, file); !written) return written;
  Json meta = now.snapshot_json.at("meta");
  meta["targets.json"] = announcement(version, file);
  auto done = publish_snapshot(roots, now.snapshot.version + 1, meta, now.timestamp.version + 1);
  if (done) files.prune(now);
  return done;
}

Json Publisher::targets_to_change(const Published& now) const {
  const auto draft = pending(kTargets);
  return draft && draft->version() == now.targets.version + 1 ? draft->part : now.targets_json;
}

Result<void> Publisher::change_targets(const Published& now, Json part) const {
  part["version"] = now.targets.version + 1;
  part["expires"] = tuf_time(clock->wall() + kTargetsLife);
  const auto draft = sign(part, {&now.root.roles.find(kTargets)->second});
  if (!draft) return draft.error();
  if (auto enough = draft->check(now.root, kTargets); !enough) {
    if (auto kept = keep_pending(kTargets, *draft); !kept) return kept;
    return fail(Errc::kThreshold, enough.error().context + "; the change waits for signatures");
  }
  auto done = publish_targets_file(now, draft->version(), draft->file(), {&now.root});
  if (done) drop_pending(kTargets);
  return done;
}

std::optional<Draft> Publisher::pending(std::string_view role) const {
  const auto text = read_file(pending_ / (std::string(role) + ".json"), kMaxDraftBytes);
  if (!text) return std::nullopt;
  auto envelope = parse_envelope(*text, role);
  if (!envelope) return std::nullopt;
  if (!(role == kRoot ? parse_root(envelope->signed_part).has_value()
                      : parse_targets(envelope->signed_part).has_value())) {
    return std::nullopt;
  }
  return Draft{std::move(envelope->signed_part), std::move(envelope->signatures)};
}

Result<void> Publisher::keep_pending(std::string_view role, const Draft& draft) const {
  if (auto made = make_directories(pending_, 0700); !made) return made;
  return write_file_durably(pending_ / (std::string(role) + ".json"), draft.file(), 0600);
}

void Publisher::drop_pending(std::string_view role) const {
  ::unlink((pending_ / (std::string(role) + ".json")).c_str());
}

}  // namespace ota::tuf
