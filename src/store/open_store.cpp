// Which store a `store.url` means.
#include <filesystem>

#include "store/sqlite/sqlite_store.h"
#include "store/store.h"

namespace ota::store {

Result<std::unique_ptr<Store>> open_store(const std::string& url, const std::string& root,
                                          const Clock& clock) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (!url.starts_with(kSqlite) || url.size() == kSqlite.size()) {
    return fail(Errc::kInvalid, "store.url is \"" + url +
                                    "\"; accepted: \"sqlite:PATH\", PATH relative to the root");
  }
  return open_sqlite(std::filesystem::path(root) / url.substr(kSqlite.size()), clock);
}

}  // namespace ota::store
