// Owner and mode of what the server trusts by its place: checked before any of it is read.
//
// Who may write to config/, firmware/, state/, the database or a key decides what devices run. The
// three folders may be links; what they lead to is looked at. Blocks on the disk.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace ota::config {

// kDenied, with the command that mends it, for the first that belongs to another user than this
// one and root, or that everybody may write to. What is not there yet is well.
Result<void> check_root(const std::filesystem::path& root);

}  // namespace ota::config
