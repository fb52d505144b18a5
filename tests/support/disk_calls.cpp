#include "tests/support/disk_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <mutex>

namespace ota::test {
namespace {

std::mutex mutex;
bool recording = false;
std::vector<std::string> recorded;

void note(std::string call) {
  const std::lock_guard lock(mutex);
  if (recording) recorded.push_back(std::move(call));
}

void note_sync(int fd) {
  struct stat facts {};
  std::error_code error;
  const auto path =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string();
  const auto size = ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) ? facts.st_size : 0;
  note("sync " + path + " " + std::to_string(size));
}

}  // namespace

DiskCalls::DiskCalls() {
  const std::lock_guard lock(mutex);
  recorded.clear();
  recording = true;
}

DiskCalls::~DiskCalls() {
  const std::lock_guard lock(mutex);
  recording = false;
}

std::vector<std::string> DiskCalls::calls() const {
  const std::lock_guard lock(mutex);
  return recorded;
}

}  // namespace ota::test

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" int fsync(int fd) {
  ota::test::note_sync(fd);
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  ota::test::note("rename " + std::string(from) + " " + to);
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
