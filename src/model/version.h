// Semantic versions (semver.org 2.0.0): precedence decides what is newer. Build metadata is kept
// and not compared.
#pragma once

#include <compare>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/boxed_optional.h"
#include "base/result.h"

namespace ota::model {

class Version {
 public:
  Version() = default;  // 0.0.0
  Version(std::uint32_t major, std::uint32_t minor, std::uint32_t patch)
      : major_(major), minor_(minor), patch_(patch) {}

  // "2.1.5", "v2.1.5", "2.2.0-rc.1+7"; at most 64 bytes, numbers below 2^32 and without leading
  // zeros.
  static Result<Version> parse(std::string_view text);

  std::string text() const;                           // "2.1.5"
  std::string label() const { return "v" + text(); }  // "v2.1.5", as users know it

  // semver.org section 11.
  std::strong_ordering operator<=>(const Version& other) const;
  bool operator==(const Version& other) const { return (*this <=> other) == 0; }

 private:
  std::uint32_t major_ = 0;
  std::uint32_t minor_ = 0;
  std::uint32_t patch_ = 0;
  // Boxed, for a fleet holds many versions and few have any: "rc.17" is "rc.1" and "7".
  std::uint32_t prerelease_size_ = 0;
  BoxedOptional<std::string> suffix_;

  std::string_view suffix() const { return suffix_ ? std::string_view(*suffix_) : ""; }
  std::string_view prerelease() const { return suffix().substr(0, prerelease_size_); }
  std::string_view build() const { return suffix().substr(prerelease_size_); }
};

void to_json(nlohmann::json& out, const Version& version);
void from_json(const nlohmann::json& in, Version& version);

}  // namespace ota::model
