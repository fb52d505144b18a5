// The metadata of TUF 1.0.34 section 4 as plain types, out of strict JSON, and the check of a
// role's threshold.
//
// Parsing checks the form only. Nothing here is trusted until verify_threshold() and the rules of
// trusted_set.h have passed it. Unknown members are kept in the signed bytes and ignored.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tuf/key.h"
#include "tuf/target.h"

namespace ota::tuf {

inline constexpr std::string_view kRoot = "root";
inline constexpr std::string_view kTimestamp = "timestamp";
inline constexpr std::string_view kSnapshot = "snapshot";
inline constexpr std::string_view kTargets = "targets";
// Not a role of TUF: who may bind a release to a device (director.h).
inline constexpr std::string_view kDirector = "director";
bool is_top_level(std::string_view role);

using KeyMap = std::map<std::string, PublicKey>;

struct Role {
  std::vector<std::string> keyids;  // distinct
  std::uint64_t threshold = 1;
  bool operator==(const Role&) const = default;
};

// What a timestamp or snapshot says of another metadata file.
struct MetaFile {
  std::uint64_t version = 0;
  std::optional<std::uint64_t> length;
  Hashes hashes;
};

struct Header {
  std::uint64_t version = 0;
  WallTime expires;
};

struct Root : Header {
  bool consistent_snapshot = false;
  KeyMap keys;
  std::map<std::string, Role, std::less<>> roles;  // the four top-level roles at least
  // This system's own member "x-ota-director": who may bind a release to a device.
  KeyMap director_keys;
  std::optional<Role> director;
};
struct Timestamp : Header {
  MetaFile snapshot;
  // This system's own member "x-ota-issued": when it was signed; a time that has surely passed.
  std::optional<WallTime> issued;
};
struct Snapshot : Header {
  std::map<std::string, MetaFile, std::less<>> meta;  // by file name, such as "targets.json"
};
struct DelegatedRole : Role {
  std::string name;
  std::vector<std::string> paths;
  std::vector<std::string> path_hash_prefixes;
  bool terminating = false;
  bool covers(std::string_view target) const;
};
struct Targets : Header {
  std::map<std::string, TargetInfo, std::less<>> targets;
  KeyMap delegation_keys;
  std::vector<DelegatedRole> delegations;
};

struct Signature {
  std::string keyid;
  std::string sig;
};
// A signed file: the bytes that were signed, and by whom it claims to be.
struct Envelope {
  Json signed_part;
  std::string signed_bytes;  // canonical form of signed_part
  std::vector<Signature> signatures;
};

// kMalformed, or kUnsupported for a specification version other than 1.x. A key id that signs twice
// makes the whole file malformed (TUF 1.0.34 section 4.2.1).
Result<Envelope> parse_envelope(std::string_view file, std::string_view type);
Result<Root> parse_root(const Json& signed_part);
Result<Timestamp> parse_timestamp(const Json& signed_part);
Result<Snapshot> parse_snapshot(const Json& signed_part);
Result<Targets> parse_targets(const Json& signed_part);

// kSignatures unless at least `role.threshold` distinct keys of the role signed. Unknown, unusable
// and wrong signatures are passed over. One key under two ids counts once.
Result<void> verify_threshold(const Envelope& envelope, const Role& role, const KeyMap& keys,
                              std::string_view role_name);

// kMixAndMatch unless `file` has the announced length and all announced hashes that are known here;
// kUnsupported where hashes are announced and none is known.
Result<void> check_announced(std::string_view file, const MetaFile& announced,
                             std::string_view name);

}  // namespace ota::tuf
