// A published firmware image, as its signed TUF metadata describes it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/enum_text.h"
#include "model/version.h"

namespace ota::model {

// kSecurity and kRemediation may be pushed to an anomalous device by an explicit override;
// kFunctional never.
enum class ReleaseClass : std::uint8_t { kFunctional, kSecurity, kRemediation };
inline constexpr EnumTable<ReleaseClass, 3> kReleaseClassWords{
    {{ReleaseClass::kFunctional, "functional"},
     {ReleaseClass::kSecurity, "security"},
     {ReleaseClass::kRemediation, "remediation"}}};
OTA_ENUM_TEXT(ReleaseClass, parse_release_class, kReleaseClassWords)

// A file that makes the image and is shorter than it: a patch of another image, or the packed image.
struct ShorterFile {
  std::string from;          // sha256 of that other image; empty: packed, made of nothing
  Version from_version{};    // of it
  std::uint64_t length = 0;  // bytes
};

struct Release {
  Version version;
  std::vector<std::string> hardware;  // models that it fits
  ReleaseClass release_class = ReleaseClass::kFunctional;
  std::string notes;
  std::string target;  // TUF target name, such as "model-a/firmware-2.1.5.img"
  std::uint64_t length = 0;
  std::string sha256;  // of the image, lower-case hex: the release's identity
  // No device that has it may go below this. Of published releases alone: not part of the JSON.
  std::optional<Version> rollback_floor = {};
  // What a device can make it of; the same.
  std::vector<ShorterFile> shorter = {};

  bool fits(std::string_view model) const;
  // The last part of the target's name.
  std::string file_name() const { return target.substr(target.rfind('/') + 1); }
};

void to_json(nlohmann::json& out, const Release& release);
void from_json(const nlohmann::json& in, Release& release);

}  // namespace ota::model
