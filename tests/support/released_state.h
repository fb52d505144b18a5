// The state of the first release (tests/fixtures/released-1), copied to where a test may change it.
#pragma once

#include <filesystem>

#include "tests/support/catch.h"

namespace ota::test {

inline void copy_released_state(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  const fs::path fixture = "tests/fixtures/released-1";
  REQUIRE(fs::is_directory(fixture));
  fs::create_directories(root);
  for (const char* part : {"config", "state"}) {
    fs::remove_all(root / part);
    fs::copy(fixture / part, root / part, fs::copy_options::recursive);
  }
  // Git keeps no modes; keys that others could read are refused.
  for (const auto& entry : fs::recursive_directory_iterator(root / "state")) {
    fs::permissions(entry.path(), entry.is_directory() ? fs::perms(0700) : fs::perms(0600));
  }
}

}  // namespace ota::test
