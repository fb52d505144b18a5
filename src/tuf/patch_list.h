// The patches that are published, and taking out those that no device needs.
//
// Packed images stay: they need no base. A patch that is taken out is one that its role's next
// version does not name; where that has to be signed by people, its file stays until they have.
//
// Thread: one. Calls block on files, and on the repository's lock.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/version.h"
#include "tuf/firmware.h"

namespace ota::tuf {

struct PublishedPatch {
  model::Version version;      // of the image that it makes
  std::string hardware;        // the model in whose list it stands
  std::uint64_t of_bytes = 0;  // the image's
  Patch patch;
  std::filesystem::path file;
};

class PatchList {
 public:
  PatchList(std::filesystem::path firmware, std::filesystem::path keys, const Clock& clock)
      : firmware_(std::move(firmware)), keys_(std::move(keys)), clock_(clock) {}

  // Newest version first.
  Result<std::vector<PublishedPatch>> published() const;
  // Takes the patches from these images (their sha256) out of every list, and with them all files of
  // patches and packed images that neither what is published nor what waits for signatures names.
  // kNotFound: no list has one. tuf::Errc::kThreshold where the keys are offline: the change is kept
  // as a draft.
  Result<void> remove(const std::set<std::string>& bases) const;
  // The files alone: what a change that has been signed since has left. How many went.
  Result<std::size_t> sweep() const;

 private:
  Result<void> do_remove(const std::set<std::string>& bases) const;

  std::filesystem::path firmware_;
  std::filesystem::path keys_;
  const Clock& clock_;
};

}  // namespace ota::tuf
