// Signing and publishing the next version of each role, with the keys that lie in the key store;
// what needs absent keys is kept as a draft until enough signatures have come.
//
// Drafts lie in KEYS/pending/ROLE.json: metadata files with too few signatures. They are worth
// nothing to a device, so nobody who writes there gains anything.
// Thread: one, under PublishedFiles::lock(); calls block on files.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "tuf/key_store.h"
#include "tuf/published.h"

namespace ota::tuf {

// How long each role's signature holds. The timestamp's is what a freeze attack can win at most.
inline constexpr std::chrono::days kRootLife{730};
inline constexpr std::chrono::days kTargetsLife{365};
inline constexpr std::chrono::days kSnapshotLife{30};
inline constexpr std::chrono::days kTimestampLife{3};

Json new_part(std::string_view type, std::uint64_t version, WallTime expires);
// What a snapshot or timestamp says of `file`.
Json announcement(std::uint64_t version, std::string_view file);

// A file with signatures, perhaps too few.
struct Draft {
  Json part;
  std::vector<Signature> signatures;
  std::uint64_t version() const { return part.at("version").get<std::uint64_t>(); }
  std::string file() const { return signed_file(part, signatures); }
  // Adds or replaces the signature of a key.
  void put(Signature signature);
  // kSignatures unless `role` of `root` is satisfied.
  Result<void> check(const Root& root, std::string_view role) const;
};

class Publisher {
 public:
  Publisher(const std::filesystem::path& firmware, const std::filesystem::path& key_folder,
            const Clock& c)
      : files(firmware), keys(key_folder), clock(&c), pending_(key_folder / "pending") {}

  PublishedFiles files;
  KeyStore keys;
  const Clock* clock;

  // `part` with the signatures of all keys of these roles that lie here.
  Result<Draft> sign(const Json& part, const std::vector<const Role*>& roles) const;
  // How many keys of the role lie here.
  std::size_t online_keys(const Role& role) const;

  // Each publishes the role and all that announces it. `roles` sign: usually one root's, both while
  // keys change hands.
  Result<void> publish_timestamp(const std::vector<const Root*>& roots, std::uint64_t version,
                                 const Json& snapshot_meta) const;
  Result<void> publish_snapshot(const std::vector<const Root*>& roots, std::uint64_t version,
                                const Json& meta, std::uint64_t timestamp_version) const;
  // Files of targets and of delegated roles together.
  Result<void> publish_targets(const Published& now,
                               const std::map<std::string, Draft, std::less<>>& files,
                               const std::vector<const Root*>& roots) const;

  std::optional<Draft> pending(std::string_view role) const;
  Result<void> keep_pending(std::string_view role, const Draft& draft) const;
  void drop_pending(std::string_view role) const;

 private:
  std::filesystem::path pending_file(std::string_view role) const;

  std::filesystem::path pending_;
};

}  // namespace ota::tuf
