// JSON with the place of every value, for files that people write: a message can then point at the
// line and column that is wrong.
//
// Strict RFC 8259: no comments, no trailing commas, no duplicate keys, UTF-8. For messages between
// programs see base/json.h, which is faster and knows no places. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ota::config {

// Lines and columns count from 1; a column is a character, not a byte.
struct Place {
  std::size_t line = 1;
  std::size_t column = 1;
};

struct JsonMember;

struct JsonNode {
  enum class Kind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  Place place;
  double number = 0;
  // A string's content; a number's, boolean's or null's own text.
  std::string text;
  std::vector<JsonNode> items;
  std::vector<JsonMember> members;  // in the file's order

  const JsonMember* find(std::string_view key) const;
  // The value as a message names it: `"high"`, `140`, `an object`; cut to a readable length.
  std::string described() const;
};

struct JsonMember {
  std::string key;
  Place place;  // of the key
  JsonNode value;
};

struct SyntaxError {
  Place place;
  std::string message;
};

struct JsonTree {
  std::optional<JsonNode> root;  // none where the text is malformed
  std::vector<SyntaxError> errors;
};

struct TreeLimits {
  std::size_t max_bytes = 1U << 20;
  std::size_t max_depth = 16;
};

// Reading ends at the first error of the grammar; duplicate keys are all reported.
JsonTree parse_tree(std::string_view text, TreeLimits limits);

}  // namespace ota::config
