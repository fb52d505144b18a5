// The files of a published repository: reading the present state out of `firmware/metadata`,
// verified from the root down, and writing the next one in an order that readers survive.
//
// A reader follows timestamp -> snapshot -> targets by version numbers, so files of a version that
// no timestamp names are not there for it: everything else is written first, the timestamp last.
// Thread: one; calls block on files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "tuf/metadata.h"

namespace ota::tuf {

// A delegated role that is published.
struct PublishedRole {
  Json json;
  Targets targets;
};

// What is published now: the signed parts as JSON, to make the next ones of, and as types.
struct Published {
  std::string root_file;
  Json root_json;
  Json timestamp_json;
  Json snapshot_json;
  Json targets_json;
  Root root;
  Timestamp timestamp;
  Snapshot snapshot;
  Targets targets;
  std::map<std::string, PublishedRole, std::less<>> delegated;  // by the top-level targets
  // Of targets or of a delegated role; 0 where it is not published yet.
  std::uint64_t version_of(std::string_view role) const;
  // Its signed part; an empty list where it is not published yet.
  Json json_of(std::string_view role) const;
};

// A file of metadata: the signed part and its signatures, as it is published.
std::string signed_file(const Json& signed_part, const std::vector<Signature>& signatures);
// Signatures of all `signers` over the signed part.
Result<std::vector<Signature>> sign_with(const std::vector<Signer>& signers,
                                         const Json& signed_part);
// "2026-11-23T06:00:00Z", the only form that TUF knows.
std::string tuf_time(WallTime time);

class PublishedFiles {
 public:
  explicit PublishedFiles(std::filesystem::path firmware) : firmware_(std::move(firmware)) {}

  std::filesystem::path metadata() const { return firmware_ / "metadata"; }
  std::filesystem::path targets() const { return firmware_ / "targets"; }

  Result<FileLock> lock() const;
  // kNotFound where nothing is published; otherwise the first thing that does not verify. Expiry is
  // not looked at: what has expired must be readable to be renewed.
  Result<Published> load() const;
  // Every root from the first to `newest`, and the file of a targets role: whole, as signed. What a
  // signer elsewhere needs to see for himself what is in force. kNotFound where one is missing.
  Result<std::vector<Json>> roots(std::uint64_t newest) const;
  Result<std::string> file(std::string_view role, std::uint64_t version) const;
  Result<Json> envelope(std::string_view role, std::uint64_t version) const;  // the same, read
  // `version` is none for the timestamp.
  Result<void> write(std::string_view role, std::optional<std::uint64_t> version,
                     std::string_view file) const;
  // Removes snapshots and targets that are many versions old. Roots stay: clients walk them all.
  void prune(const Published& current) const;

 private:
  Result<std::string> newest_root() const;

  std::filesystem::path firmware_;
};

}  // namespace ota::tuf
