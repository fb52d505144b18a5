// The committed inputs of a fuzz target, given to its body in a plain build.
#pragma once

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/file.h"

namespace ota::test {

// How many inputs there were. Tests run from the repository's root, or out of build/MODE/bin.
inline std::size_t replay_corpus(const std::string& target,
                                 const std::function<void(std::string_view)>& body) {
  namespace fs = std::filesystem;
  fs::path at = fs::read_symlink("/proc/self/exe").parent_path();
  while (!fs::is_directory(at / "tests/fuzz/corpus") && at.has_relative_path())
    at = at.parent_path();
  std::size_t inputs = 0;
  for (const auto& entry : fs::directory_iterator(at / "tests/fuzz/corpus" / target)) {
    const auto content = read_file(entry.path(), 1U << 20);
    if (!content) throw std::runtime_error(content.error().text());
    body(*content);
    ++inputs;
  }
  return inputs;
}

}  // namespace ota::test
