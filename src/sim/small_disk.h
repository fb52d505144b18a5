// A file system of a few MiB of its own for a folder, so that a scenario can fill it to the brim.
//
// It lives in a mount namespace that only this thread and the programs that it starts see, and is
// gone with them, however they end. It takes root; without, `made()` is false and the caller has to
// do with less. Thread: the one that starts the programs.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace ota::sim {

class SmallDisk {
 public:
  // Mounts over `folder`, which is there and empty.
  explicit SmallDisk(std::filesystem::path folder);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool made() const { return made_; }
  // Until not a byte more fits.
  Result<void> fill() const;
  Result<void> make_room() const;

 private:
  std::filesystem::path folder_;
  bool made_ = false;
};

}  // namespace ota::sim
