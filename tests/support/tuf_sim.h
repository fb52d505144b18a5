// A TUF repository in memory that a test can make honest or hostile, and a device that refreshes
// from it.
//
// Every signed part is plain JSON that a test may change at will; publish() signs what is there, so
// a test says only what is wrong. Files are kept by their path below the metadata URL, like a
// mirror's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"
#include "tuf/key.h"
#include "tuf/metadata.h"
#include "tuf/updater.h"

namespace ota::tuf::testing {

inline const WallTime kNow = *parse_rfc3339("2026-08-20T12:00:00Z");

class Sim {
 public:
  // Four roles with one Ed25519 key each, version 1, published. Hashes and lengths are not
  // announced until `announce` is set.
  Sim();

  using Json = tuf::Json;

  std::map<std::string, Json> parts;  // role -> signed part, delegated roles too
  std::map<std::string, std::vector<Signer>> signers;
  std::map<std::string, std::string> files;    // metadata path -> bytes
  std::map<std::string, std::string> targets;  // target path -> bytes
  bool announce = false;

  Json& part(const std::string& role) { return parts.at(role); }
  std::uint64_t version(const std::string& role) const {
    return parts.at(role).at("version").get<std::uint64_t>();
  }
  void bump(const std::string& role) { parts.at(role)["version"] = version(role) + 1; }
  void expire_at(const std::string& role, WallTime time);

  // Gives a top-level role this key, in the root's keys, the role's key ids and the signers.
  void add_key(const std::string& role, const Signer& signer);
  // Replaces all of a top-level role's keys by a new one. A root still needs publish_root().
  void rotate(const std::string& role);
  // Root version + 1, signed by `by` and the present root signers.
  void publish_root(const std::vector<Signer>& by = {});

  // A delegation of `paths`; the role is made with a key of its own where it is new.
  Json& delegate(const std::string& delegator, const std::string& role,
                 std::vector<std::string> paths, bool terminating = false);
  void add_target(const std::string& role, const std::string& name, const std::string& content);

  // The file of a role as it stands, signed by the role's signers.
  std::string signed_by_role(const std::string& role) const;
  // `changed` in place of the role's part, signed by its signers or by `by`.
  std::string sign_part(const std::string& role, const Json& changed,
                        const std::vector<Signer>& by = {}) const;
  // Where a role's file lies.
  std::string path_of(const std::string& role) const;
  // Signs and stores one role's file as it stands.
  void put(const std::string& role);
  // Puts targets and delegated roles, then a new snapshot and timestamp that announce them.
  void publish();
  void publish_snapshot();
  void publish_timestamp();

 private:
  Json announcement(const std::string& role) const;
};

class Device {
 public:
  explicit Device(const Sim& sim, const UpdaterOptions& options = {});

  Result<void> refresh(WallTime now = kNow);
  Result<void> lookup(const std::string& target);
  // The code's word, "ok" where it went well: what tests compare.
  std::string refresh_word(WallTime now = kNow);
  std::string lookup_word(const std::string& target);

  // Role files that lie in the folder, "timestamp 3" and so on, sorted.
  std::vector<std::string> trusted() const;
  std::string file(const std::string& role) const;
  // Below a folder of its own: what climbs out of it is seen by no other test.
  std::filesystem::path folder() const { return folder_.path() / "trusted"; }
  // The same folder in a new process.
  void restart();

  std::vector<std::string> asked;  // of the last step
  // What a hostile mirror or network does: an answer in place of the repository's.
  std::function<std::optional<Fetched>(const Fetch&)> interfere;
  Updater& updater() { return *updater_; }

 private:
  void serve();

  const Sim* sim_;
  UpdaterOptions options_;
  test::TempFolder folder_{test::TempFolder::fast_parent()};
  std::optional<Updater> updater_;
};

std::string word(const Result<void>& result);

// One RSA signer for a whole test program: making one takes longer than most tests.
const Signer& rsa_signer();

}  // namespace ota::tuf::testing
