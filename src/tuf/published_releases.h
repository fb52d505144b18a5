// What is published, followed while others publish: otactl writes firmware/ itself, and the
// timestamp is the last step of a publication.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/release.h"
#include "tuf/repository.h"

namespace ota::tuf {

class PublishedReleases {
 public:
  using Take = std::function<void(std::vector<model::Release>)>;

  // `repository` outlives this.
  PublishedReleases(const Repository& repository, const std::filesystem::path& firmware);

  // Whether something was published that nobody has taken, and that can be read as far as is known.
  // Costs a stat.
  bool behind() const;
  // Gives `take` what is published now, where that is not what was given last. Blocks on files;
  // calls follow one another, so that what was published last is taken last.
  Result<void> catch_up(const Take& take);

 private:
  struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  Stamp now() const;

  const Repository& repository_;
  const std::filesystem::path timestamp_;
  Mutex taking_;  // one at a time; outer
  mutable Mutex mutex_;
  Stamp taken_ OTA_GUARDED_BY(mutex_);
  Stamp failed_ OTA_GUARDED_BY(mutex_);
};

}  // namespace ota::tuf
