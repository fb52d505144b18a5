// Feeds an Updater from a repository's folder, as a web server would.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "tuf/updater.h"

namespace ota::tuf::testing {

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
