// Feeds an Updater from a repository's folder, as a web server would; and a folder of its own for
// each test.
#pragma once

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "tuf/updater.h"

namespace ota::tuf::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ota-tuf-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Answers every fetch of the step under way out of `metadata`; the paths asked for, in order.
inline std::vector<std::string> serve_folder(Updater& updater,
                                             const std::filesystem::path& metadata) {
  std::vector<std::string> asked;
  while (const auto fetch = updater.next()) {
    asked.push_back(fetch->path);
    Fetched answer;
    auto body = read_file(metadata / fetch->path, fetch->max_bytes);
    if (body) {
      answer.body = std::move(*body);
    } else {
      answer.status = body.error().code == ota::Errc::kLimit ? Fetched::Status::kTooLarge
                                                             : Fetched::Status::kNotFound;
    }
    updater.feed(std::move(answer));
  }
  return asked;
}

}  // namespace ota::tuf::testing
