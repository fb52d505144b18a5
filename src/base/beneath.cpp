#include "base/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace ota {
namespace fs = std::filesystem;
namespace {

constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

Result<FileDescriptor> open_folder(const fs::path& folder) {
  const fs::path name = folder.empty() ? fs::path(".") : folder;
  FileDescriptor opened(::open(name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return fail_errno(errno, "open folder " + name.string());
  return opened;
}

Error not_opened(int error, const fs::path& folder, const fs::path& inner) {
  const std::string what = "open " + (folder / inner).string();
  if (error == ELOOP || error == EXDEV) {
    return fail(Errc::kDenied, what + ": there is a link in it, or a way out of " +
                                   folder.string() + ": links are not followed there");
  }
  // A socket, or a pipe's other end.
  if (error == ENXIO || error == ENOTDIR) return fail(Errc::kNotFound, what);
  return fail_errno(error, what);
}

Result<FileDescriptor> only_regular(FileDescriptor opened, const fs::path& folder,
                                    const fs::path& inner) {
  struct stat facts {};
  if (::fstat(opened.get(), &facts) != 0) return not_opened(errno, folder, inner);
  if (!S_ISREG(facts.st_mode)) {
    return fail(Errc::kNotFound, (folder / inner).string() + " is no regular file");
  }
  return opened;
}

}  // namespace

Result<FileDescriptor> open_beneath_by_steps(const fs::path& folder, const fs::path& inner) {
  auto at = open_folder(folder);
  if (!at) return at.error();
  if (inner.empty() || inner.is_absolute()) return not_opened(EXDEV, folder, inner);
  const fs::path last = inner.filename();
  for (const fs::path& name : inner) {
    if (name == "..") return not_opened(EXDEV, folder, inner);
  }
  if (last.empty() || last == ".") return not_opened(ENOTDIR, folder, inner);
  for (const fs::path& name : inner.parent_path()) {
    if (name.empty() || name == ".") continue;
    FileDescriptor next(
        ::openat(at->get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) {
      // A link is "no folder" to O_DIRECTORY with O_NOFOLLOW.
      const int error = errno;
      struct stat facts {};
      const bool link = error == ENOTDIR &&
                        ::fstatat(at->get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
                        S_ISLNK(facts.st_mode);
      return not_opened(link ? ELOOP : error, folder, inner);
    }
    *at = std::move(next);
  }
  FileDescriptor file(::openat(at->get(), last.c_str(), kReadFlags | O_NOFOLLOW));
  if (!file) return not_opened(errno, folder, inner);
  return only_regular(std::move(file), folder, inner);
}

Result<FileDescriptor> open_beneath(const fs::path& folder, const fs::path& inner) {
  const auto at = open_folder(folder);
  if (!at) return at.error();
  open_how how{};
  how.flags = static_cast<std::uint64_t>(kReadFlags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  FileDescriptor file(
      static_cast<int>(::syscall(SYS_openat2, at->get(), inner.c_str(), &how, sizeof how)));
  if (file) return only_regular(std::move(file), folder, inner);
  // Before Linux 5.6, or forbidden by a sandbox that does not know it (where EPERM could also be
  // the file's: then the steps say so again).
  if (errno == ENOSYS || errno == EPERM) return open_beneath_by_steps(folder, inner);
  return not_opened(errno, folder, inner);
}

Result<std::string> read_all(int descriptor, const std::string& what, std::size_t max_bytes) {
  std::string content;
  std::array<char, 16384> chunk{};
  while (true) {
    const ssize_t got = ::read(descriptor, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + what);
    if (got == 0) return content;
    if (content.size() + static_cast<std::size_t>(got) > max_bytes) {
      return fail(Errc::kLimit, what + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
    content.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Result<std::string> read_beneath(const fs::path& folder, const fs::path& inner,
                                 std::size_t max_bytes) {
  const auto file = open_beneath(folder, inner);
  if (!file) return file.error();
  return read_all(file->get(), (folder / inner).string(), max_bytes);
}

Result<std::string> read_private_beneath(const fs::path& folder, const fs::path& inner,
                                         std::size_t max_bytes) {
  const auto file = open_beneath(folder, inner);
  if (!file) return file.error();
  const std::string path = (folder / inner).string();
  struct stat facts {};
  if (::fstat(file->get(), &facts) != 0) return fail_errno(errno, "read " + path);
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Errc::kDenied,
                path + " can be read or written by others; make it private: chmod 600 " + path +
                    " (and consider the key as known to others)");
  }
  return read_all(file->get(), path, max_bytes);
}

Result<void> check_owner(const fs::path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(errno, "look at " + path.string());
  }
  const uid_t self = ::geteuid();
  if (facts.st_uid != self && facts.st_uid != 0) {
    return fail(Errc::kDenied, path.string() + " belongs to user " + std::to_string(facts.st_uid) +
                                   ", who could change what this program trusts: chown " +
                                   std::to_string(self) + " " + path.string() +
                                   ", or run it as that user");
  }
  if ((facts.st_mode & S_IWOTH) != 0) {
    return fail(Errc::kDenied,
                path.string() + " can be written by everybody: chmod o-w " + path.string());
  }
  return {};
}

}  // namespace ota
