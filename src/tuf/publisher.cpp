#include "tuf/publisher.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/beneath.h"
#include "base/digest.h"
#include "tuf/error.h"
#include "tuf/names.h"

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

Result<void> Publisher::publish_targets(const Published& now,
                                        const std::map<std::string, Draft, std::less<>>& drafts,
                                        const std::vector<const Root*>& roots) const {
  Json meta = now.snapshot_json.at("meta");
  for (const auto& [role, draft] : drafts) {
    const std::string file = draft.file();
    if (auto written = files.write(role, draft.version(), file); !written) return written;
    meta[role + ".json"] = announcement(draft.version(), file);
  }
  auto done = publish_snapshot(roots, now.snapshot.version + 1, meta, now.timestamp.version + 1);
  if (done) files.prune(now);
  return done;
}

std::filesystem::path Publisher::pending_file(std::string_view role) const {
  return pending_ / metadata_path(role, {});
}

std::optional<Draft> Publisher::pending(std::string_view role) const {
  const auto text = read_beneath(pending_, metadata_path(role, {}), kMaxDraftBytes);
  if (!text) return std::nullopt;
  auto envelope = parse_envelope(*text, role == kRoot ? kRoot : kTargets);
  if (!envelope) return std::nullopt;
  if (!(role == kRoot ? parse_root(envelope->signed_part).has_value()
                      : parse_targets(envelope->signed_part).has_value())) {
    return std::nullopt;
  }
  return Draft{std::move(envelope->signed_part), std::move(envelope->signatures)};
}

Result<void> Publisher::keep_pending(std::string_view role, const Draft& draft) const {
  if (auto made = make_directories(pending_, 0700); !made) return made;
  return write_file_durably(pending_file(role), draft.file(), 0600);
}

void Publisher::drop_pending(std::string_view role) const {
  ::unlink(pending_file(role).c_str());
}

}  // namespace ota::tuf
