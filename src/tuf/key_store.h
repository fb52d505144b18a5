// The online signing keys: one PKCS#8 file a key, named by its id, mode 0600, in a folder of mode
// 0700. Thread: one; calls block on files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tuf/key.h"
#include "tuf/metadata.h"

namespace ota::tuf {

class KeyStore {
 public:
  explicit KeyStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Makes the folder where it is missing.
  Result<void> put(const Signer& signer) const;
  // kKey where the file is missing, unreadable, encrypted, readable by others, or holds another
  // key.
  Result<Signer> get(const std::string& keyid) const;
  bool has(const std::string& keyid) const;
  // Overwrites and removes the file. What a disk keeps below the file system is beyond this.
  Result<void> erase(const std::string& keyid) const;
  // Those of the role's keys that lie here, in the role's order.
  std::vector<Signer> of_role(const Role& role) const;
  std::filesystem::path path_of(const std::string& keyid) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace ota::tuf
