// Where the server keeps its director (tuf/director.h): opened with the root that is published, and
// opened again when that changes.
//
// Thread: look() from one, word() from any. look() blocks on files; word() signs, from memory.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "tuf/director.h"

namespace ota::fleet {
struct Command;
}

namespace ota::main {

class DirectorDesk {
 public:
  // `told` gets each new reason why jobs carry no word.
  DirectorDesk(const std::filesystem::path& root, const Clock& clock,
               std::function<void(const Error&)> told);

  // Follows a change of the published metadata; a cheap look where there was none.
  void look();
  // The word for an update that is handed out now; empty where there is no director: the device
  // then decides by its own root.
  std::string word(const std::string& device, const fleet::Command& command) const;

 private:
  std::filesystem::path firmware_;
  std::filesystem::path keys_;
  const Clock& clock_;
  std::function<void(const Error&)> told_;
  std::filesystem::file_time_type seen_{};
  mutable std::mutex mutex_;
  std::shared_ptr<const tuf::Director> director_;
};

}  // namespace ota::main
