#include "http/target.h"

#include <cstddef>

#include "base/text.h"

namespace ota::http {
namespace {

constexpr std::size_t kMaxPairs = 32;

int digit_of(char sign) {
  if (sign >= '0' && sign <= '9') return sign - '0';
  if (sign >= 'a' && sign <= 'f') return sign - 'a' + 10;
  if (sign >= 'A' && sign <= 'F') return sign - 'A' + 10;
  return -1;
}

enum class Part { kPath, kQuery };

Result<void> decode(std::string_view text, Part part, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char sign = text[i];
    if (sign == '%') {
      const int high = i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? digit_of(text[i + 2]) : -1;
      if (high < 0 || low < 0) return fail(Errc::kInvalid, "a '%' without two hex digits");
      sign = static_cast<char>(high * 16 + low);
      i += 2;
      if (part == Part::kPath && sign == '/') return fail(Errc::kInvalid, "an encoded slash");
    } else if (part == Part::kQuery && sign == '+') {
      sign = ' ';
    }
    if (static_cast<unsigned char>(sign) < 0x20 || sign == 0x7f) {
      return fail(Errc::kInvalid, "a control character");
    }
    out += sign;
  }
  if (!is_utf8(out)) return fail(Errc::kInvalid, "not UTF-8");
  return {};
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return false;
}

Result<void> parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  std::size_t count = 0;
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    if (++count > kMaxPairs) return fail(Errc::kInvalid, "more than 32 query parameters");
    const auto equals = pair.find('=');
    std::string name;
    std::string value;
    if (auto done = decode(pair.substr(0, equals), Part::kQuery, name); !done) return done;
    if (equals != std::string_view::npos) {
      if (auto done = decode(pair.substr(equals + 1), Part::kQuery, value); !done) return done;
    }
    if (!query.emplace(std::move(name), std::move(value)).second) {
      return fail(Errc::kInvalid, "a query parameter given twice");
    }
  }
  return {};
}

// "https://host" off the front of `text`; empty, and `text` as it was, where there is none.
std::string_view cut_authority(std::string_view& text) {
  std::string_view rest = text;
  const auto skip = [&rest](std::string_view wanted) {
    if (rest.size() < wanted.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const char sign = rest[i];
      const char small = sign >= 'A' && sign <= 'Z' ? static_cast<char>(sign + 0x20) : sign;
      if (small != wanted[i]) return false;
    }
    rest.remove_prefix(wanted.size());
    return true;
  };
  if (!skip("https://") && !skip("http://")) return {};
  const auto end = rest.find_first_of("/?#");
  const std::string_view found = rest.substr(0, end);
  // RFC 9110 section 4.2.4: one with user information is refused.
  if (found.empty() || found.find('@') != std::string_view::npos) return {};
  text = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  return found;
}

}  // namespace

Result<void> Target::parse(std::string_view text) {
  query.clear();
  decoded.clear();
  authority = {};
  if (!text.starts_with('/')) {
    authority = cut_authority(text);
    if (authority.empty()) {
      return fail(Errc::kInvalid, "the target must start with a slash, or be an http URL");
    }
  }
  const auto mark = text.find('?');
  path = text.substr(0, mark);
  if (path.empty()) path = "/";  // RFC 9112 section 3.2.1
  if (path.find('%') != std::string_view::npos) {
    if (auto done = decode(path, Part::kPath, decoded); !done) return done;
    path = decoded;
  } else if (!is_utf8(path)) {
    return fail(Errc::kInvalid, "not UTF-8");
  }
  if (path.find('.') != std::string_view::npos && has_dot_segment(path)) {
    return fail(Errc::kInvalid, "a dot segment");
  }
  if (mark == std::string_view::npos) return {};
  return parse_query(text.substr(mark + 1), query);
}

}  // namespace ota::http
