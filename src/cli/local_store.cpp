#include "cli/local_store.h"

#include "base/file.h"
#include "config/config.h"

namespace ota::cli {

Result<std::unique_ptr<store::Store>> open_local_store(const Context& context) {
  const std::filesystem::path file = context.root / "config" / "console.json";
  std::string url = model::ConsoleSettings().store_url;
  if (const auto text = read_file(file, config::kMaxFileBytes)) {
    const auto parsed = config::parse_console(*text, file.string());
    if (!parsed.ok()) return fail(Errc::kInvalid, parsed.problems.front().text());
    url = parsed.value.store_url;
  }
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) {
    const std::filesystem::path database = context.root / url.substr(kSqlite.size());
    std::error_code ignored;
    if (!std::filesystem::exists(database, ignored)) {
      return fail(Errc::kNotFound, database.string() + ": no database; is this the right folder?");
    }
  }
  return store::open_store(url, context.root.string(), context.clock);
}

}  // namespace ota::cli
