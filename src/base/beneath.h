// Files below a folder that is trusted: opened without leaving it, whatever its names turn into.
//
// The folder itself may be a link, as an operator set it up. Below it no link is followed, no ".."
// and no absolute path is taken (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; folder by
// folder where the kernel or a sandbox has no openat2). Only regular files are opened, and opening
// never waits, as it would for a pipe. All calls block on the disk.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ota {

// For reading. kNotFound: nothing there, or no regular file; kDenied: a link, or a way out.
Result<FileDescriptor> open_beneath(const std::filesystem::path& folder,
                                    const std::filesystem::path& inner);
// The same where openat2 is not there; a test compares the two.
Result<FileDescriptor> open_beneath_by_steps(const std::filesystem::path& folder,
                                             const std::filesystem::path& inner);

// The whole file; kLimit where it is larger than `max_bytes`.
Result<std::string> read_beneath(const std::filesystem::path& folder,
                                 const std::filesystem::path& inner, std::size_t max_bytes);
// And kDenied, with the command that mends it, where group or others may read or write it.
Result<std::string> read_private_beneath(const std::filesystem::path& folder,
                                         const std::filesystem::path& inner, std::size_t max_bytes);

// The rest of what `descriptor` reads, to its end; `what` names it in errors.
Result<std::string> read_all(int descriptor, const std::string& what, std::size_t max_bytes);

// Whether what lies at `path` (through a link, if it is one) belongs to this user or root and is
// not writable by everybody. kDenied with the command that mends it; nothing there is well.
Result<void> check_owner(const std::filesystem::path& path);

}  // namespace ota
