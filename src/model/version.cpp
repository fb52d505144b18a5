#include "model/version.h"

#include <charconv>
#include <stdexcept>

#include "base/json_numbers.h"
#include "base/text.h"

namespace ota::model {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A number of semver: digits without a leading zero, below 2^32.
bool parse_number(std::string_view text, std::uint32_t& value) {
  if (!is_number(text) || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool valid_identifiers(std::string_view text, bool leading_zeros_allowed) {
  for (const std::string& part : split(text, '.')) {
    if (part.empty()) return false;
    for (char c : part) {
      const bool ok =
          (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
      if (!ok) return false;
    }
    if (!leading_zeros_allowed && is_number(part) && part.size() > 1 && part[0] == '0')
      return false;
  }
  return true;
}

// Numbers of any length, compared by value: both are without leading zeros.
std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a <=> b;
}

std::strong_ordering compare_prerelease(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty())
    return a.empty() <=> b.empty();  // a release is newer than its pre-releases
  const auto left = split(a, '.');
  const auto right = split(b, '.');
  for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
    const bool left_number = is_number(left[i]);
    const bool right_number = is_number(right[i]);
    if (left_number != right_number) {
      return left_number ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    const auto order = left_number ? compare_numbers(left[i], right[i])
                                   : std::string_view(left[i]) <=> std::string_view(right[i]);
    if (order != 0) return order;
  }
  return left.size() <=> right.size();
}

}  // namespace

Result<Version> Version::parse(std::string_view text) {
  constexpr std::size_t kMaxLength =
      64;  // longer than any version in the field, short enough for every screen
  const Error bad =
      fail(Errc::kInvalid, "'" + printable(text, 40) + "' is no version such as 2.1.5");
  if (text.size() > kMaxLength) return bad;
  if (!text.empty() && text[0] == 'v') text.remove_prefix(1);
  std::string_view build;
  if (const auto plus = text.find('+'); plus != std::string_view::npos) {
    build = text.substr(plus + 1);
    if (!valid_identifiers(build, true)) return bad;
    text = text.substr(0, plus);
  }
  std::string_view prerelease;
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    prerelease = text.substr(dash + 1);
    if (!valid_identifiers(prerelease, false)) return bad;
    text = text.substr(0, dash);
  }
  Version version;
  if (!prerelease.empty() || !build.empty()) {
    version.suffix_.emplace().append(prerelease).append(build);
  }
  version.prerelease_size_ = static_cast<std::uint32_t>(prerelease.size());
  const auto numbers = split(text, '.');
  if (numbers.size() != 3 || !parse_number(numbers[0], version.major_) ||
      !parse_number(numbers[1], version.minor_) || !parse_number(numbers[2], version.patch_)) {
    return bad;
  }
  return version;
}

std::string Version::text() const {
  std::string out =
      std::to_string(major_) + "." + std::to_string(minor_) + "." + std::to_string(patch_);
  if (!prerelease().empty()) out.append("-").append(prerelease());
  if (!build().empty()) out.append("+").append(build());
  return out;
}

std::strong_ordering Version::operator<=>(const Version& other) const {
  if (major_ != other.major_) return major_ <=> other.major_;
  if (minor_ != other.minor_) return minor_ <=> other.minor_;
  if (patch_ != other.patch_) return patch_ <=> other.patch_;
  return compare_prerelease(prerelease(), other.prerelease());
}

void to_json(nlohmann::json& out, const Version& version) {
  out = version.text();
}

void from_json(const nlohmann::json& in, Version& version) {
  auto parsed = Version::parse(in.get_ref<const std::string&>());
  if (!parsed) throw std::invalid_argument(parsed.error().text());
  version = *parsed;
}

}  // namespace ota::model
