#include "config/json_tree.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>

#include "base/text.h"

namespace ota::config {
namespace {

constexpr std::size_t kShownBytes = 40;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string in_quotes(std::string_view text) {
  std::string shown = printable(text, kShownBytes);
  if (shown.size() < text.size()) shown += "...";
  return "\"" + shown + "\"";
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kNoBreakSpace = "\xc2\xa0";

// "U+200B", of one character that is UTF-8.
std::string code_point_of(std::string_view sign) {
  auto point = static_cast<std::uint32_t>(static_cast<std::uint8_t>(sign.front()));
  if (sign.size() > 1) point &= 0xffU >> (sign.size() + 1);
  for (const char c : sign.substr(1))
    point = (point << 6) | (static_cast<std::uint8_t>(c) & 0x3fU);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "U+%04X", static_cast<unsigned>(point));
  return text.data();
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0U | (point >> 6));
    put(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    put(0xe0U | (point >> 12));
    put(0x80U | ((point >> 6) & 0x3fU));
    put(0x80U | (point & 0x3fU));
  } else {
    put(0xf0U | (point >> 18));
    put(0x80U | ((point >> 12) & 0x3fU));
    put(0x80U | ((point >> 6) & 0x3fU));
    put(0x80U | (point & 0x3fU));
  }
}

// A recursive descent over RFC 8259's grammar; its depth is bounded by the limit. Each parse_*
// returns false after the first error.
class Parser {
 public:
  Parser(std::string_view text, TreeLimits limits) : text_(text), limits_(limits) {}

  JsonTree run() {
    JsonTree tree;
    JsonNode root;
    skip_blanks();
    if (parse_value(root, 0)) {
      skip_blanks();
      if (at_end()) {
        tree.root = std::move(root);
      } else {
        complain("the end of the file");
      }
    }
    tree.errors = std::move(errors_);
    return tree;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  Place here() const { return {line_, column_}; }

  void advance() {
    const auto byte = static_cast<std::uint8_t>(text_[at_++]);
    if (byte == '\n') {
      ++line_;
      column_ = 1;
    } else if ((peek_byte() & 0xc0U) != 0x80U || at_end()) {
      ++column_;  // the next byte starts a character
    }
  }
  std::uint8_t peek_byte() const { return static_cast<std::uint8_t>(peek()); }

  void skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r'))
      advance();
  }

  std::string found() const {
    if (at_end()) return "the end of the file";
    if (peek() == '"') return "a string";
    if (peek() == '/' || peek() == '#') return "a comment";
    std::size_t length = 1;
    while (at_ + length < text_.size() && length < 4 &&
           (static_cast<std::uint8_t>(text_[at_ + length]) & 0xc0U) == 0x80U)
      ++length;
    const std::string_view sign = text_.substr(at_, length);
    if (sign == kByteOrderMark) return "a byte order mark (save it as UTF-8 without one)";
    // What cannot be shown, or looks like a blank, is named by its number.
    if (printable(sign) != sign || sign == kNoBreakSpace) return code_point_of(sign);
    return "'" + std::string(sign) + "'";
  }

  bool complain(const std::string& accepted) {
    errors_.push_back({here(), "found " + found() + "; accepted: " + accepted});
    return false;
  }

  bool parse_value(JsonNode& node, std::size_t depth) {
    node.place = here();
    if (depth > limits_.max_depth) {
      errors_.push_back({here(), "nested deeper than " + std::to_string(limits_.max_depth)});
      return false;
    }
    switch (peek()) {
      case '{':
        return parse_object(node, depth);
      case '[':
        return parse_array(node, depth);
      case '"':
        node.kind = JsonNode::Kind::kString;
        return parse_string(node.text);
      case 't':
        return parse_word(node, "true", JsonNode::Kind::kBoolean);
      case 'f':
        return parse_word(node, "false", JsonNode::Kind::kBoolean);
      case 'n':
        return parse_word(node, "null", JsonNode::Kind::kNull);
      default:
        if (peek() == '-' || is_digit(peek())) return parse_number(node);
        return complain("a value");
    }
  }

  bool parse_word(JsonNode& node, std::string_view word, JsonNode::Kind kind) {
    if (text_.substr(at_, word.size()) != word) return complain("a value");
    for (std::size_t i = 0; i < word.size(); ++i)
      advance();
    node.kind = kind;
    node.text = word;
    return true;
  }

  bool parse_digits() {
    if (!is_digit(peek())) return complain("a digit");
    while (is_digit(peek()))
      advance();
    return true;
  }

  bool parse_number(JsonNode& node) {
    const std::size_t start = at_;
    if (peek() == '-') advance();
    if (peek() == '0') {
      advance();
      if (is_digit(peek())) return complain("a number without leading zeros");
    } else if (!parse_digits()) {
      return false;
    }
    if (peek() == '.') {
      advance();
      if (!parse_digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      advance();
      if (peek() == '+' || peek() == '-') advance();
      if (!parse_digits()) return false;
    }
    node.kind = JsonNode::Kind::kNumber;
    node.text = text_.substr(start, at_ - start);
    const char* last = node.text.data() + node.text.size();
    if (std::from_chars(node.text.data(), last, node.number).ec != std::errc()) {
      node.number = std::nan("");  // too large or too small: in no range
    }
    return true;
  }

  bool parse_hex4(std::uint32_t& unit) {
    unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      const char lower = static_cast<char>(c | 0x20);
      if (is_digit(c)) {
        unit = unit * 16 + static_cast<std::uint32_t>(c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        unit = unit * 16 + static_cast<std::uint32_t>(lower - 'a' + 10);
      } else {
        return complain("four hexadecimal digits");
      }
      advance();
    }
    return true;
  }

  bool parse_unicode_escape(std::string& out) {
    std::uint32_t point = 0;
    if (!parse_hex4(point)) return false;
    if (point >= 0xd800 && point < 0xdc00) {
      std::uint32_t low = 0;
      if (text_.substr(at_, 2) != "\\u") return complain("the second half of a surrogate pair");
      advance();
      advance();
      if (!parse_hex4(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return complain("the second half of a surrogate pair");
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else if (point >= 0xdc00 && point <= 0xdfff) {
      return complain("a character, not half of a surrogate pair");
    }
    append_utf8(out, point);
    return true;
  }

  bool parse_escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (peek() == 'u') {
      advance();
      return parse_unicode_escape(out);
    }
    const std::size_t which = at_end() ? std::string_view::npos : kNames.find(peek());
    if (which == std::string_view::npos) return complain("an escape (\\\" \\\\ \\n \\t \\uXXXX)");
    out += kValues[which];
    advance();
    return true;
  }

  bool parse_string(std::string& out) {
    advance();
    while (true) {
      if (at_end() || peek_byte() < 0x20) return complain("a character or the closing \"");
      const char c = peek();
      advance();
      if (c == '"') return true;
      if (c == '\\') {
        if (!parse_escape(out)) return false;
      } else {
        out += c;
      }
    }
  }

  bool parse_array(JsonNode& node, std::size_t depth) {
    node.kind = JsonNode::Kind::kArray;
    advance();
    skip_blanks();
    if (peek() == ']') return advance(), true;
    while (true) {
      skip_blanks();
      if (!parse_value(node.items.emplace_back(), depth + 1)) return false;
      skip_blanks();
      if (peek() == ']') return advance(), true;
      if (peek() != ',') return complain("',' or ']'");
      advance();
    }
  }

  static bool stands_twice(const JsonNode& node, const std::string& key,
                           std::set<std::string>& seen) {
    constexpr std::size_t kFew = 16;
    if (node.members.size() < kFew) return node.find(key) != nullptr;
    if (seen.empty()) {
      for (const JsonMember& member : node.members)
        seen.insert(member.key);
    }
    return !seen.insert(key).second;
  }

  bool parse_object(JsonNode& node, std::size_t depth) {
    node.kind = JsonNode::Kind::kObject;
    advance();
    skip_blanks();
    if (peek() == '}') return advance(), true;
    constexpr std::size_t kUsual = 4;
    node.members.reserve(kUsual);
    std::set<std::string> seen;  // of many keys; few are compared
    while (true) {
      skip_blanks();
      if (peek() != '"') return complain("a key in quotes");
      JsonMember member;
      member.place = here();
      if (!parse_string(member.key)) return false;
      if (stands_twice(node, member.key, seen)) {
        errors_.push_back({member.place, "key " + in_quotes(member.key) + " stands twice"});
      }
      skip_blanks();
      if (peek() != ':') return complain("':'");
      advance();
      skip_blanks();
      if (!parse_value(member.value, depth + 1)) return false;
      node.members.push_back(std::move(member));
      skip_blanks();
      if (peek() == '}') return advance(), true;
      if (peek() != ',') return complain("',' or '}'");
      advance();
    }
  }

  std::string_view text_;
  TreeLimits limits_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
  std::vector<SyntaxError> errors_;
};

}  // namespace

const JsonMember* JsonNode::find(std::string_view key) const {
  for (const JsonMember& member : members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

std::string JsonNode::described() const {
  switch (kind) {
    case Kind::kObject:
      return "an object";
    case Kind::kArray:
      return "an array";
    case Kind::kString:
      return in_quotes(text);
    default:
      return printable(text, kShownBytes);
  }
}

JsonTree parse_tree(std::string_view text, TreeLimits limits) {
  JsonTree tree;
  if (text.size() > limits.max_bytes) {
    tree.errors.push_back({{},
                           "the file has " + std::to_string(text.size()) +
                               " bytes; accepted: at most " + std::to_string(limits.max_bytes)});
    return tree;
  }
  if (!is_utf8(text)) {
    Place place;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      if (!is_utf8(rest.substr(0, end)) || end == std::string_view::npos) break;
      ++place.line;
      rest.remove_prefix(end + 1);
    }
    tree.errors.push_back({place, "found bytes that are no UTF-8; accepted: UTF-8 text"});
    return tree;
  }
  return Parser(text, limits).run();
}

}  // namespace ota::config
