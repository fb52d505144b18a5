// The committed inputs of a fuzz target, given to its body in a plain build.
#pragma once

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/file.h"

namespace ota::test {

// Tests run from the repository's root, or out of build/MODE/bin.
inline std::filesystem::path fuzz_corpus(const std::string& target) {
  std::filesystem::path at = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  while (!std::filesystem::is_directory(at / "tests/fuzz/corpus") && at.has_relative_path())
    at = at.parent_path();
  return at / "tests/fuzz/corpus" / target;
}

// How many inputs there were.
inline std::size_t replay_corpus(const std::string& target,
                                 const std::function<void(std::string_view)>& body) {
  std::size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fuzz_corpus(target))) {
    const auto content = read_file(entry.path(), 1U << 20);
    if (!content) throw std::runtime_error(content.error().text());
    body(*content);
    ++inputs;
  }
  return inputs;
}

}  // namespace ota::test
