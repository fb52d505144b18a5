#include "tuf/published_releases.h"

#include <sys/stat.h>

#include <utility>

namespace ota::tuf {

PublishedReleases::PublishedReleases(const Repository& repository,
                                     const std::filesystem::path& firmware)
    : repository_(repository), timestamp_(firmware / "metadata" / "timestamp.json") {}

// The inode too: two publications may fall into one tick of the file system's clock.
PublishedReleases::Stamp PublishedReleases::now() const {
  constexpr std::int64_t kSecond = 1'000'000'000;
  struct ::stat found {};
  if (::stat(timestamp_.c_str(), &found) != 0) return {};
  return {found.st_ino, found.st_mtim.tv_sec * kSecond + found.st_mtim.tv_nsec};
}

bool PublishedReleases::behind() const {
  const Stamp there = now();
  const MutexLock lock(mutex_);
  return there != Stamp{} && there != taken_ && there != failed_;
}

Result<void> PublishedReleases::catch_up(const Take& take) {
  const MutexLock one_at_a_time(taking_);
  const Stamp there = now();
  {
    const MutexLock lock(mutex_);
    if (there == Stamp{} || there == taken_) return {};
  }
  auto releases = repository_.releases();
  if (releases) take(std::move(*releases));
  const MutexLock lock(mutex_);
  (releases ? taken_ : failed_) = there;
  if (!releases) return releases.error();
  return {};
}

}  // namespace ota::tuf
