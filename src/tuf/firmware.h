// Between TUF's targets and this system's releases: what "custom" says of an image, and the checks
// that TUF leaves to the device (which image is meant for it, which is too old).
//
// Form of "custom": {"version":"2.1.5","hardware":["rpi4"],"class":"functional","notes":"...",
// "rollback_floor":"2.1.0","packed":{...},"patches":[{...}]}; the last four may be absent. Unknown
// members are ignored, and so are packed images and patches of formats that this program does not
// know. Pure; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/release.h"
#include "tuf/hash.h"
#include "tuf/target.h"

namespace ota::tuf {

// Of packed images and patches, as this program makes and takes them.
inline constexpr std::uint32_t kPatchFormat = 1;

// A file that makes the image on a device (src/delta/README.md): of another image that it runs, or,
// packed, of nothing. {"format":1,"length":...,"sha256":"...","head":"..."}, and of a patch also
// "from":"sha256","from_version":"2.1.4".
struct Patch {
  std::string from;               // sha256 of that image; empty: packed
  model::Version from_version{};  // of it
  std::uint64_t length = 0;       // of the file, in bytes
  std::string sha256{};           // of the file
  std::string head{};             // sha256 of its head

  bool operator==(const Patch&) const = default;
};

// A patch is to be shorter than this part of what a device fetches without it. Longer ones are not
// published, and with what a device spends on a base that differs in places it stays within it.
inline constexpr double kWorthPatching = 0.6;

struct Firmware {
  model::Release release;
  std::optional<model::Version> rollback_floor{};  // no device may go below this once it knows it
  std::optional<Patch> packed{};
  std::vector<Patch> patches{};  // one for each image that they are made from
};

// kMalformed where "custom" is not of this form or no sha256 is listed.
Result<Firmware> firmware_of(const TargetInfo& target);
std::string custom_of(const Firmware& firmware);
// The release with what its image can be made of: what a server plans with.
model::Release with_shorter_files(Firmware firmware);

// The name of a patch's file beside the target: what target_url_path() takes, with the file's
// sha256.
std::string patch_name(std::string_view target, std::string_view image_sha256, const Patch& patch);

// Each hardware model has a role of its own, delegated by targets, and a folder of target names
// that this role alone may sign.
std::string role_of_model(std::string_view hardware);
std::string folder_of_model(std::string_view hardware);
// `text` with only characters that stand for themselves in URLs, file names and patterns.
std::string plain_name(std::string_view text);

// kWrongSoftware where the image is not for `hardware`; kFirmwareRollback where its version is
// below `floor` (the highest that the device ever confirmed, or a signed rollback floor).
Result<void> check_firmware(const model::Release& release, std::string_view hardware,
                            const std::optional<model::Version>& floor);

// Checks a target's bytes as they stream by: length and all known hashes.
class TargetCheck {
 public:
  explicit TargetCheck(const TargetInfo& target);
  // kEndlessData once there are more bytes than signed.
  Result<void> update(std::string_view bytes);
  // kArbitrary unless the bytes were exactly the signed ones.
  Result<void> finish();

 private:
  std::string name_;
  std::uint64_t length_;
  std::uint64_t seen_ = 0;
  HashCheck hashes_;
};

}  // namespace ota::tuf
