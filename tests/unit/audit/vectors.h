// The public vectors beside this file, and their hashes.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>

#include "audit/merkle.h"
#include "audit/note.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/support/catch.h"

namespace ota::test {

// Tests run in the repository or below it.
inline Json audit_vectors(const std::string& name) {
  const std::filesystem::path folder = "tests/unit/audit/vectors";
  std::filesystem::path at = std::filesystem::current_path();
  while (!std::filesystem::is_directory(at / folder) && at.has_relative_path())
    at = at.parent_path();
  const auto text = read_file(at / folder / name, 1U << 20);
  if (!text) FAIL(text.error().text());
  auto json = parse_json(*text);
  if (!json) FAIL(json.error().text());
  return std::move(*json);
}

inline audit::Hash hash_in(const std::string& text) {
  const auto bytes = audit::from_base64(text);
  REQUIRE(bytes.has_value());
  audit::Hash hash{};
  REQUIRE(bytes->size() == hash.size());
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return hash;
}

}  // namespace ota::test
