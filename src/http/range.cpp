#include "http/range.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace ota::http {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// Digits alone; a number past 64 bits counts as the largest one.
std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  const bool all = std::all_of(digits.begin(), digits.end(),
                               [](char sign) { return sign >= '0' && sign <= '9'; });
  if (!all) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc::result_out_of_range ? UINT64_MAX : value;
}

std::string_view strong(std::string_view etag) {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}

}  // namespace

RangeChoice choose_range(std::string_view header, std::uint64_t size) {
  const RangeChoice whole{RangeChoice::Kind::kWhole, 0, size};
  constexpr std::string_view kUnit = "bytes=";
  header = trimmed(header);
  if (!header.starts_with(kUnit)) return whole;
  header = trimmed(header.substr(kUnit.size()));
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::string_view before = header.substr(0, dash);
  const std::string_view after = header.substr(dash + 1);
  const RangeChoice none{RangeChoice::Kind::kUnsatisfiable, 0, 0};
  if (before.empty()) {
    const auto last_bytes = number(after);
    if (!last_bytes) return whole;
    if (*last_bytes == 0 || size == 0) return none;
    const std::uint64_t length = std::min(*last_bytes, size);
    return {RangeChoice::Kind::kPart, size - length, length};
  }
  const auto first = number(before);
  const auto last = after.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : number(after);
  if (!first || !last || *last < *first) return whole;
  if (*first >= size) return none;
  return {RangeChoice::Kind::kPart, *first, std::min(*last, size - 1) - *first + 1};
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
  if (if_none_match.empty() || etag.empty()) return false;
  if (trimmed(if_none_match) == "*") return true;
  while (!if_none_match.empty()) {
    // Our tags hold no commas, so a list may be cut at them.
    const auto comma = if_none_match.find(',');
    if (strong(trimmed(if_none_match.substr(0, comma))) == strong(etag)) return true;
    if (comma == std::string_view::npos) break;
    if_none_match.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace ota::http
