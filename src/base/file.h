// Files that are read whole within a bound and written whole or not at all.
//
// Durable means: the bytes and the name survive power loss (fsync of the file, rename, fsync of the
// folder). All calls block; none belongs on an io thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ota {

// A descriptor that closes itself. Thread: as an int.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// The whole file; kLimit where it is larger than `max_bytes`, kNotFound where there is none.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);

// Replaces `path` by `content` durably: a hidden temporary in the same folder, fsync, rename, fsync
// of the folder. On an error the old file is untouched and the temporary is gone. kFull where the
// disk is full or read-only.
Result<void> write_file_durably(const std::filesystem::path& path, std::string_view content,
                                mode_t mode = 0644);

// Writes all of `content` to `fd`, going on after short writes and EINTR.
Result<void> write_all(int fd, std::string_view content);

Result<void> sync_directory(const std::filesystem::path& folder);

// Makes the folder and its parents; the last one gets `mode` where it is new.
Result<void> make_directories(const std::filesystem::path& folder, mode_t mode = 0755);

// An advisory lock (flock) on a file, held as long as the object lives. kConflict where another
// process holds it; the context then names the pid that the holder wrote into the file. A file that
// is there is also locked on a full or read-only disk; the pid is then unknown.
class FileLock {
 public:
  static Result<FileLock> try_acquire(const std::filesystem::path& path);
  // Waits up to `patience` for the holder to let go.
  static Result<FileLock> acquire(const std::filesystem::path& path, int patience_ms);

 private:
  explicit FileLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace ota
