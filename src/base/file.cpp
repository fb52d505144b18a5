#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/beneath.h"
#include "base/disk.h"

namespace ota {
namespace fs = std::filesystem;

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int FileDescriptor::release() {
  return std::exchange(fd_, -1);
}

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> read_file(const fs::path& path, std::size_t max_bytes) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(errno, "read " + path.string());
  return read_all(fd.get(), path.string(), max_bytes);
}

Result<void> write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(errno, "write");
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> sync_directory(const fs::path& folder) {
  return real_disk().sync_directory(folder);
}

Result<void> write_file_durably(const fs::path& path, std::string_view content, mode_t mode) {
  return write_file_durably(real_disk(), path, content, mode);
}

Result<void> make_directories(const fs::path& folder, mode_t mode) {
  return make_directories(real_disk(), folder, mode);
}

Result<FileLock> FileLock::try_acquire(const fs::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  bool writable = true;
  if (!fd) {
    const Error refused = fail_errno(errno, "open lock " + path.string());
    if (refused.code != Errc::kFull && refused.code != Errc::kDenied) return refused;
    fd = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return refused;
    writable = false;
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno(errno, "lock " + path.string());
    std::array<char, 24> holder{};
    const ssize_t got = ::read(fd.get(), holder.data(), holder.size() - 1);
    const std::string pid =
        got > 0 ? std::to_string(std::atol(holder.data())) : "unknown";  // NOLINT(cert-err34-c)
    return fail(Errc::kConflict, path.string() + " is held by pid " + pid);
  }
  if (!writable) return FileLock(std::move(fd));
  if (::ftruncate(fd.get(), 0) != 0) return fail_errno(errno, "lock " + path.string());
  const auto written = write_all(fd.get(), std::to_string(::getpid()) + "\n");
  if (!written && written.error().code != Errc::kFull) return written.error();
  return FileLock(std::move(fd));
}

Result<FileLock> FileLock::acquire(const fs::path& path, int patience_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  while (true) {
    auto lock = try_acquire(path);
    if (lock || lock.error().code != Errc::kConflict) return lock;
    if (std::chrono::steady_clock::now() >= deadline) return lock;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace ota
