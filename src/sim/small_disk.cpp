#include "sim/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file.h"

namespace ota::sim {
namespace {

constexpr const char* kSize = "size=24m,mode=0700";
constexpr const char* kFiller = "filler";

}  // namespace

SmallDisk::SmallDisk(std::filesystem::path folder) : folder_(std::move(folder)) {
  // Private first: what is mounted here must not appear in the rest of the system.
  made_ = ::unshare(CLONE_NEWNS) == 0 &&
          ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
          ::mount("tmpfs", folder_.c_str(), "tmpfs", MS_NODEV | MS_NOSUID, kSize) == 0;
}

SmallDisk::~SmallDisk() {
  if (made_) ::umount2(folder_.c_str(), MNT_DETACH);
}

Result<void> SmallDisk::fill() const {
  const auto path = folder_ / kFiller;
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail_errno(errno, "open " + path.string());
  const std::array<char, 4096> page{};
  while (::write(file.get(), page.data(), page.size()) > 0) {
  }
  if (errno != ENOSPC) return fail_errno(errno, "fill " + path.string());
  return {};
}

Result<void> SmallDisk::make_room() const {
  const auto path = folder_ / kFiller;
  if (::unlink(path.c_str()) != 0) return fail_errno(errno, "remove " + path.string());
  return {};
}

}  // namespace ota::sim
