#include "config/root_check.h"

#include <string>

#include "base/beneath.h"
#include "config/config.h"

namespace ota::config {
namespace fs = std::filesystem;
namespace {

// Every key of a folder, and what lies beside them.
Result<void> check_each(const fs::path& folder) {
  if (auto good = check_owner(folder); !good) return good;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (auto good = check_owner(entry.path()); !good) return good;
  }
  return {};
}

}  // namespace

Result<void> check_root(const fs::path& root) {
  for (const char* folder : {"config", "firmware", "state"}) {
    if (auto good = check_owner(root / folder); !good) return good;
  }
  for (const auto& name : kFileNames) {
    if (auto good = check_owner(root / "config" / name); !good) return good;
  }
  for (const char* inner : {"firmware/metadata", "firmware/targets"}) {
    if (auto good = check_owner(root / inner); !good) return good;
  }
  // The database and its log; the log's key and head; keys, what waits to be signed, the journal.
  for (const char* folder : {"state", "state/keys", "state/keys/pending", "state/pki"}) {
    if (auto good = check_each(root / folder); !good) return good;
  }
  return {};
}

}  // namespace ota::config
