#include "base/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace ota {
namespace fs = std::filesystem;

Result<FileDescriptor> Disk::open_to_append(const fs::path& path, mode_t mode) {
  FileDescriptor fd(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd) return fail_errno(errno, "open " + path.string());
  return fd;
}

Result<FileDescriptor> Disk::open_temporary(std::string& name) {
  name += "XXXXXX";
  FileDescriptor fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return fail_errno(errno, "make " + name);
  return fd;
}

Result<void> Disk::write(int fd, std::string_view content) {
  return write_all(fd, content);
}

Result<void> Disk::truncate(int fd, std::uint64_t size) {
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) return fail_errno(errno, "truncate");
  return {};
}

Result<void> Disk::sync(int fd) {
  if (::fsync(fd) != 0) return fail_errno(errno, "sync");
  return {};
}

Result<void> Disk::sync_file(const fs::path& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ELOOP) return fail(Errc::kInvalid, path.string() + " is no plain file");
  if (!fd) return fail_errno(errno, "open " + path.string());
  if (::fsync(fd.get()) != 0) return fail_errno(errno, "sync " + path.string());
  return {};
}

Result<void> Disk::sync_directory(const fs::path& folder) {
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(errno, "open folder " + folder.string());
  if (::fsync(fd.get()) != 0) return fail_errno(errno, "sync folder " + folder.string());
  return {};
}

Result<void> Disk::rename(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno(errno, "rename " + from.string());
  return {};
}

Result<void> Disk::remove(const fs::path& path) {
  if (std::remove(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(errno, "remove " + path.string());
  return {};
}

Result<void> Disk::make_link(const std::string& target, const fs::path& path) {
  if (::symlink(target.c_str(), path.c_str()) != 0)
    return fail_errno(errno, "make the link " + path.string());
  return {};
}

Result<void> Disk::make_directory(const fs::path& folder, mode_t mode) {
  if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno(errno, "make folder " + folder.string());
  return {};
}

Disk& real_disk() {
  static Disk disk;  // without a state of its own
  return disk;
}

Result<void> write_file_durably(Disk& disk, const fs::path& path, std::string_view content,
                                mode_t mode) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::string temporary = (folder / ("." + path.filename().string() + ".")).string();
  auto fd = disk.open_temporary(temporary);
  if (!fd) return fd.error().within("write " + path.string());
  const auto give_up = [&](const Error& error) {
    (void)disk.remove(temporary);
    return error.within("write " + path.string());
  };
  if (::fchmod(fd->get(), mode) != 0) return give_up(fail_errno(errno, "set mode"));
  if (auto written = disk.write(fd->get(), content); !written) return give_up(written.error());
  if (auto synced = disk.sync(fd->get()); !synced) return give_up(synced.error());
  fd->reset();
  if (auto named = disk.rename(temporary, path); !named) return give_up(named.error());
  return disk.sync_directory(folder);
}

// The name of a new folder is a change of the one above it: without a sync there a power cut takes
// the folder with all that was made durable in it.
Result<void> make_directories(Disk& disk, const fs::path& folder, mode_t mode) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return {};
  const fs::path above = folder.parent_path();
  if (!above.empty()) {
    if (auto parent = make_directories(disk, above, 0755); !parent) return parent;
  }
  if (auto made = disk.make_directory(folder, mode); !made) return made;
  return disk.sync_directory(above.empty() ? fs::path(".") : above);
}

Result<void> remove_folder(Disk& disk, const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return {};
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (auto gone = disk.remove(entry->path()); !gone) return gone;
  }
  if (auto gone = disk.remove(folder); !gone) return gone;
  return disk.sync_directory(folder.parent_path());
}

}  // namespace ota
