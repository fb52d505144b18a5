#include "tuf/names.h"

#include "base/digest.h"
#include "base/text.h"

namespace ota::tuf {
namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '~';
}

// How a "[...]" at the start of `pattern` treats `c`. `length` is 0 where the bracket is never
// closed and so stands for itself.
struct SetMatch {
  std::size_t length = 0;
  bool matches = false;
};
SetMatch match_set(std::string_view pattern, char c) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && pattern[i] == '!';
  if (negated) ++i;
  const std::size_t first = i;
  bool found = false;
  for (; i < pattern.size() && (pattern[i] != ']' || i == first); ++i) {
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      found = found || (pattern[i] <= c && c <= pattern[i + 2]);
      i += 2;
    } else {
      found = found || pattern[i] == c;
    }
  }
  if (i >= pattern.size()) return {};
  return {i + 1, found != negated};
}

// Iterative with one point to return to (the last "*"): linear memory, at most quadratic time.
bool segment_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
      continue;
    }
    std::size_t step = 0;
    if (p < pattern.size()) {
      const SetMatch set = pattern[p] == '[' ? match_set(pattern.substr(p), text[t]) : SetMatch{};
      if (set.length > 0) {
        step = set.matches ? set.length : 0;
      } else if (pattern[p] == '?' || pattern[p] == text[t]) {
        step = 1;
      }
    }
    if (step > 0) {
      p += step;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

}  // namespace

std::string percent_encode(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 0x0fU];
    }
  }
  return out;
}

std::string metadata_path(std::string_view role, std::optional<std::uint64_t> version) {
  return (version ? std::to_string(*version) + "." : std::string()) + percent_encode(role) +
         ".json";
}

std::string target_url_path(std::string_view target, std::string_view hash) {
  std::string out;
  const std::vector<std::string> segments = split(target, '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    if (last && !hash.empty()) out += std::string(hash) + ".";
    out += percent_encode(segments[i]);
    if (!last) out += '/';
  }
  return out;
}

std::string stored_name(std::string_view role) {
  // NAME_MAX is 255; a temporary adds 8 and ".json" 5.
  constexpr std::size_t kLongest = 200;
  const std::string encoded = percent_encode(role);
  // "%l" is no percent-encoding, so no short name looks like this.
  return (encoded.size() <= kLongest ? encoded : "%long-" + sha256_hex(role)) + ".json";
}

bool pattern_matches(std::string_view pattern, std::string_view target) {
  const std::vector<std::string> patterns = split(pattern, '/');
  const std::vector<std::string> segments = split(target, '/');
  if (patterns.size() != segments.size()) return false;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!segment_matches(patterns[i], segments[i])) return false;
  }
  return true;
}

}  // namespace ota::tuf
