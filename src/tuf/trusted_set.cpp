#include "tuf/trusted_set.h"

#include <algorithm>

#include "tuf/error.h"

namespace ota::tuf {
namespace {

const Role& role_of(const Root& root, std::string_view name) {
  return root.roles.find(name)->second;  // parse_root() saw to all four
}

std::string versions(std::uint64_t got, std::uint64_t trusted) {
  return "version " + std::to_string(got) + ", trusted is " + std::to_string(trusted);
}

Result<void> check_self_signed(const Envelope& envelope, const Root& root) {
  return verify_threshold(envelope, role_of(root, kRoot), root.keys, kRoot);
}

bool same_keys(const Root& a, const Root& b, std::string_view name) {
  const Role& old_role = role_of(a, name);
  const Role& new_role = role_of(b, name);
  return old_role.threshold == new_role.threshold &&
         std::ranges::is_permutation(old_role.keyids, new_role.keyids);
}

}  // namespace

Result<TrustedSet> TrustedSet::start(std::string_view root, WallTime now) {
  const auto damaged = [](const Error& error) {
    Error outer = fail(Errc::kRootDamaged, "trusted root");
    outer.cause = std::make_shared<const Error>(error);
    return outer;
  };
  const auto envelope = parse_envelope(root, kRoot);
  if (!envelope) return damaged(envelope.error());
  auto parsed = parse_root(envelope->signed_part);
  if (!parsed) return damaged(parsed.error());
  if (auto valid = check_self_signed(*envelope, *parsed); !valid) return damaged(valid.error());
  TrustedSet set;
  set.now_ = now;
  set.root_ = *parsed;
  set.first_root_ = std::move(*parsed);
  return set;
}

Result<void> TrustedSet::update_root(std::string_view file) {
  const auto envelope = parse_envelope(file, kRoot);
  if (!envelope) return envelope.error();
  auto next = parse_root(envelope->signed_part);
  if (!next) return next.error();
  if (auto by_old = check_self_signed(*envelope, root_); !by_old) {
    return by_old.error().within("by the keys of the trusted root");
  }
  if (auto by_new = check_self_signed(*envelope, *next); !by_new) {
    return by_new.error().within("by the new root's own keys");
  }
  if (next->version != root_.version + 1) {
    return fail(next->version <= root_.version ? Errc::kRollback : Errc::kMixAndMatch,
                "root " + versions(next->version, root_.version));
  }
  root_ = std::move(*next);
  return {};
}

Result<void> TrustedSet::check_fresh(const Header& header, std::string_view role) const {
  if (now_ < header.expires) return {};
  return fail(Errc::kFreeze, std::string(role) + " version " + std::to_string(header.version) +
                                 " expired at " + format_rfc3339(header.expires, Fraction::kNone) +
                                 ", now is " + format_rfc3339(now_, Fraction::kNone));
}

Result<void> TrustedSet::close_roots() {
  return check_fresh(root_, kRoot);
}

bool TrustedSet::online_keys_changed() const {
  return !same_keys(first_root_, root_, kTimestamp) || !same_keys(first_root_, root_, kSnapshot);
}

Result<Timestamp> TrustedSet::verified_timestamp(std::string_view file) const {
  const auto envelope = parse_envelope(file, kTimestamp);
  if (!envelope) return envelope.error();
  auto valid = verify_threshold(*envelope, role_of(root_, kTimestamp), root_.keys, kTimestamp);
  if (!valid) return valid.error();
  return parse_timestamp(envelope->signed_part);
}

void TrustedSet::load_timestamp(std::string_view file) {
  if (auto local = verified_timestamp(file)) timestamp_ = std::move(*local);
}

Result<TrustedSet::Newer> TrustedSet::update_timestamp(std::string_view file) {
  auto next = verified_timestamp(file);
  if (!next) return next.error();
  if (timestamp_) {
    if (next->version < timestamp_->version) {
      return fail(Errc::kRollback, "timestamp " + versions(next->version, timestamp_->version));
    }
    if (next->version == timestamp_->version) {
      if (auto fresh = check_fresh(*timestamp_, kTimestamp); !fresh) return fresh.error();
      return Newer::kNo;
    }
    if (next->snapshot.version < timestamp_->snapshot.version) {
      return fail(
          Errc::kRollback,
          "timestamp's snapshot " + versions(next->snapshot.version, timestamp_->snapshot.version));
    }
  }
  if (auto fresh = check_fresh(*next, kTimestamp); !fresh) return fresh.error();
  timestamp_ = std::move(*next);
  return Newer::kYes;
}

Result<Snapshot> TrustedSet::verified_snapshot(std::string_view file) const {
  const auto envelope = parse_envelope(file, kSnapshot);
  if (!envelope) return envelope.error();
  auto valid = verify_threshold(*envelope, role_of(root_, kSnapshot), root_.keys, kSnapshot);
  if (!valid) return valid.error();
  return parse_snapshot(envelope->signed_part);
}

Result<void> TrustedSet::check_final_snapshot(const Snapshot& snapshot) const {
  if (snapshot.version != timestamp_->snapshot.version) {
    return fail(Errc::kMixAndMatch, "snapshot version " + std::to_string(snapshot.version) +
                                        ", announced is " +
                                        std::to_string(timestamp_->snapshot.version));
  }
  return check_fresh(snapshot, kSnapshot);
}

bool TrustedSet::load_snapshot(std::string_view file) {
  auto local = verified_snapshot(file);
  if (!local) return false;
  snapshot_base_ = std::move(*local);
  if (!check_final_snapshot(*snapshot_base_) ||
      !check_announced(file, timestamp_->snapshot, kSnapshot)) {
    return false;
  }
  snapshot_ = snapshot_base_;
  return true;
}

Result<void> TrustedSet::update_snapshot(std::string_view file) {
  if (auto announced = check_announced(file, timestamp_->snapshot, kSnapshot); !announced) {
    return announced;
  }
  auto next = verified_snapshot(file);
  if (!next) return next.error();
  if (snapshot_base_) {
    // Section 5.5.5: no role that was known may vanish or go back.
    for (const auto& [name, known] : snapshot_base_->meta) {
      const auto found = next->meta.find(name);
      if (found == next->meta.end()) {
        return fail(Errc::kRollback, "snapshot no longer lists " + name);
      }
      if (found->second.version < known.version) {
        return fail(Errc::kRollback,
                    "snapshot's " + name + " " + versions(found->second.version, known.version));
      }
    }
  }
  if (auto final_one = check_final_snapshot(*next); !final_one) return final_one;
  snapshot_ = std::move(*next);
  return {};
}

const MetaFile* TrustedSet::announced(std::string_view role) const {
  if (!snapshot_) return nullptr;
  const auto found = snapshot_->meta.find(std::string(role) + ".json");
  return found == snapshot_->meta.end() ? nullptr : &found->second;
}

Result<Targets> TrustedSet::verified_targets(std::string_view file, std::string_view name,
                                             const Role& role, const KeyMap& keys) const {
  const MetaFile* meta = announced(name);
  if (meta == nullptr) {
    return fail(Errc::kMixAndMatch, std::string(name) + " is not listed by the snapshot");
  }
  if (auto same = check_announced(file, *meta, name); !same) return same.error();
  const auto envelope = parse_envelope(file, kTargets);
  if (!envelope) return envelope.error();
  if (auto valid = verify_threshold(*envelope, role, keys, name); !valid) return valid.error();
  auto targets = parse_targets(envelope->signed_part);
  if (!targets) return targets;
  if (targets->version != meta->version) {
    return fail(Errc::kMixAndMatch, std::string(name) + " version " +
                                        std::to_string(targets->version) + ", announced is " +
                                        std::to_string(meta->version));
  }
  if (auto fresh = check_fresh(*targets, name); !fresh) return fresh.error();
  return targets;
}

Result<void> TrustedSet::update_targets(std::string_view file) {
  auto targets = verified_targets(file, kTargets, role_of(root_, kTargets), root_.keys);
  if (!targets) return targets.error();
  targets_.insert_or_assign(std::string(kTargets), std::move(*targets));
  return {};
}

Result<void> TrustedSet::update_delegated(std::string_view file, std::string_view role,
                                          std::string_view delegator) {
  const auto parent = targets_.find(delegator);
  if (parent == targets_.end()) {
    return fail(Errc::kMixAndMatch, std::string(delegator) + " is not trusted");
  }
  const auto& delegations = parent->second.delegations;
  const auto found = std::ranges::find(delegations, role, &DelegatedRole::name);
  if (found == delegations.end()) {
    return fail(Errc::kMixAndMatch,
                std::string(delegator) + " does not delegate to " + std::string(role));
  }
  auto targets = verified_targets(file, role, *found, parent->second.delegation_keys);
  if (!targets) return targets.error().within("delegated by " + std::string(delegator));
  targets_.insert_or_assign(std::string(role), std::move(*targets));
  return {};
}

}  // namespace ota::tuf
