// The calls that change what lies on a disk, and those that make it last.
//
// Whose files must outlive a power cut, and who is simulated with one, changes them through this: the
// agent. A simulator's disk notes what was synced and what was not, and takes the rest away at a cut
// (src/world/agent_disk). Reading needs no such place: what was written is read back either way.
//
// All calls block. Errors as in base/file.h. Thread: the operating system's any, a simulated one its
// world's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"

namespace ota {

class Disk {
 public:
  Disk() = default;
  virtual ~Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // For reading and for writing at its end; made with `mode` where it is not there. No link is
  // followed.
  virtual Result<FileDescriptor> open_to_append(const std::filesystem::path& path, mode_t mode);
  // A file that nobody else has. `name`: what it begins with; its whole name afterwards.
  virtual Result<FileDescriptor> open_temporary(std::string& name);
  virtual Result<void> write(int fd, std::string_view content);
  virtual Result<void> truncate(int fd, std::uint64_t size);
  virtual Result<void> sync(int fd);
  // Of a file by its name, not through a link: kInvalid where one stands there.
  virtual Result<void> sync_file(const std::filesystem::path& path);
  virtual Result<void> sync_directory(const std::filesystem::path& folder);
  // Within one folder.
  virtual Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to);
  // A file, a link or an empty folder; one that is not there is well.
  virtual Result<void> remove(const std::filesystem::path& path);
  virtual Result<void> make_link(const std::string& target, const std::filesystem::path& path);
  // One that is there is well.
  virtual Result<void> make_directory(const std::filesystem::path& folder, mode_t mode);
};

// The operating system's.
Disk& real_disk();

// As those of base/file.h, on this disk.
Result<void> write_file_durably(Disk& disk, const std::filesystem::path& path,
                                std::string_view content, mode_t mode = 0644);
// The names of the folders that it makes are durable.
Result<void> make_directories(Disk& disk, const std::filesystem::path& folder, mode_t mode = 0755);
// A folder of files and empty folders, with them; durably. One that is not there is well.
Result<void> remove_folder(Disk& disk, const std::filesystem::path& folder);

}  // namespace ota
