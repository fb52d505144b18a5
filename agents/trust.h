// What may run here: the device's side of the signed update metadata, fetched over the server's
// HTTPS.
//
// The server is only the mirror; the word is that of the keys behind the root pinned at join.
// Blocks on the network and on files. Thread: one at a time.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "agents/update_machine.h"
#include "base/disk.h"
#include "http/requester.h"
#include "model/version.h"
#include "tuf/director.h"
#include "tuf/target.h"

namespace ota::agent {

class Trust {
 public:
  // What a command asks for, and of whom.
  struct Asked {
    const std::string& device;
    const std::string& job;
    const model::Release& release;
    const std::string& word;  // the director's
  };

  Trust(std::filesystem::path folder, std::string hardware, Disk& disk = real_disk());

  // Brings the metadata up to date and looks the release up in it. The signed entry must have its
  // digest, length, version and this device's hardware, and where the root names a director, the
  // word must be its own, for this device, job and release. Failures carry tuf's words,
  // "job-mismatch" where the job says otherwise. `now`: the device's clock; a time before `floor`
  // is not believed.
  Outcome check(http::Requester& client, const Asked& asked, WallTime now, WallTime floor);
  // Brings the metadata up to date, so that a director's key which was replaced counts no more, and
  // judges the word of a rollback: where the root names a director, it must be his and say what
  // `expected` does.
  Outcome check_back(http::Requester& client, const tuf::DirectedRollback& expected,
                     const std::string& word, WallTime now, WallTime floor);
  // After a check that went well: the path below /tuf/targets/ to fetch the image from.
  const std::string& target_path() const { return target_path_; }
  // And what it can be made of instead, and the path to fetch one of these from.
  const std::vector<tuf::Patch>& patches() const { return patches_; }
  static std::string path_of(const model::Release& release, const tuf::Patch& patch);
  // And to fetch the image from that a patch is made from; empty where it is not published.
  std::string path_of_base(const tuf::Patch& patch) const;
  // The signed floor for versions, where the release has one.
  const std::optional<model::Version>& version_floor() const { return version_floor_; }

 private:
  void note_bases(const std::vector<tuf::TargetInfo>& published);

  std::filesystem::path folder_;
  Disk* disk_;
  std::string hardware_;
  std::string target_path_;
  std::vector<tuf::Patch> patches_;
  std::map<std::string, std::string> bases_;  // sha256 -> path
  std::optional<model::Version> version_floor_;
};

}  // namespace ota::agent
