#include "config/config.h"

#include <utility>

#include "base/file.h"
#include "config/folder.h"

namespace ota::config {

std::string Problem::text() const {
  std::string out = file;
  if (line > 0) out += ":" + std::to_string(line) + ":" + std::to_string(column);
  return out + ": " + message;
}

Parsed<model::Settings> load(const std::filesystem::path& root) {
  Folder folder(root, std::make_shared<const model::Settings>());
  folder.refresh();
  return {*folder.in_force(), folder.problems()};
}

Result<void> write_defaults(const std::filesystem::path& root) {
  const std::filesystem::path folder = root / "config";
  if (auto made = make_directories(folder); !made) return made;
  for (const std::string_view name : kFileNames) {
    const std::filesystem::path path = folder / name;
    std::error_code error;
    if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) continue;
    if (auto written = write_file_durably(path, *default_file(name)); !written) return written;
  }
  return {};
}

}  // namespace ota::config
