// The rules of TUF 1.0.34 section 5 on what may follow what: pure, over bytes that the caller
// fetched or read. Each update_*() takes a file in the order of the detailed workflow and either
// trusts it or says which attack it looks like; a refusal changes nothing.
//
//   root -> (next root)* -> close_roots -> timestamp -> snapshot -> targets -> delegated roles
//
// Local files of an earlier run come in through load_*(): they are verified against the present
// keys before they count, and serve as the base of the rollback checks even when they have expired.
// Thread: one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tuf/metadata.h"

namespace ota::tuf {

class TrustedSet {
 public:
  // `root` must verify against itself. kRootDamaged otherwise. `now` serves for all checks.
  static Result<TrustedSet> start(std::string_view root, WallTime now);

  // Section 5.3.3 to 5.3.7: exactly the next version, signed by the old and the new keys.
  Result<void> update_root(std::string_view file);
  // Section 5.3.10: no further root exists; the last one must not have expired.
  Result<void> close_roots();
  // True where the timestamp's or snapshot's keys changed since start(): section 5.3.11 drops both
  // local files then.
  bool online_keys_changed() const;

  // A local timestamp; ignored where the present keys do not vouch for it.
  void load_timestamp(std::string_view file);
  enum class Newer { kNo, kYes };
  // Section 5.4. kNo: the version is the trusted one, which stays (and must not have expired).
  Result<Newer> update_timestamp(std::string_view file);

  // A local snapshot. True where it is the one that the timestamp announces, unexpired, so that no
  // fetch is needed; otherwise it is only the base of the rollback check.
  bool load_snapshot(std::string_view file);
  // Section 5.5.
  Result<void> update_snapshot(std::string_view file);

  // Section 5.6, for the top-level role and, with the delegator's keys, for a delegated one
  // (5.6.7). A role that is trusted by one delegator is verified again for another.
  Result<void> update_targets(std::string_view file);
  Result<void> update_delegated(std::string_view file, std::string_view role,
                                std::string_view delegator);

  const Root& root() const { return root_; }
  const std::optional<Timestamp>& timestamp() const { return timestamp_; }
  const std::optional<Snapshot>& snapshot() const { return snapshot_; }
  // By role name; only roles that were verified in this run.
  const std::map<std::string, Targets, std::less<>>& targets() const { return targets_; }
  // What the snapshot announces for a targets role; nothing where it does not list it.
  const MetaFile* announced(std::string_view role) const;

 private:
  Result<void> check_fresh(const Header& header, std::string_view role) const;
  Result<Targets> verified_targets(std::string_view file, std::string_view name, const Role& role,
                                   const KeyMap& keys) const;
  Result<Snapshot> verified_snapshot(std::string_view file) const;
  Result<Timestamp> verified_timestamp(std::string_view file) const;
  Result<void> check_final_snapshot(const Snapshot& snapshot) const;

  WallTime now_;
  Root root_;
  Root first_root_;
  std::optional<Timestamp> timestamp_;
  std::optional<Snapshot> snapshot_base_;  // what the rollback check compares with
  std::optional<Snapshot> snapshot_;       // the announced one
  std::map<std::string, Targets, std::less<>> targets_;
};

}  // namespace ota::tuf
