#include "tuf/firmware.h"

#include <stdexcept>

#include "base/digest.h"
#include "base/text.h"
#include "tuf/error.h"
#include "tuf/strict_json.h"

namespace ota::tuf {
namespace {

constexpr std::size_t kMaxPatches = 64;
constexpr std::size_t kNameDigits = 16;  // of a digest, in a file's name

std::string digest_at(const Json& in, const char* key) {
  const auto& text = in.at(key).get_ref<const std::string&>();
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != sizeof(Digest256) || to_hex(*bytes) != text)
    throw std::invalid_argument(std::string(key) + " is no sha256");
  return text;
}

std::optional<Patch> patch_of(const Json& in) {
  if (in.at("format").get<std::uint32_t>() != kPatchFormat) return std::nullopt;
  Patch patch;
  if (in.contains("from")) {
    patch.from = digest_at(in, "from");
    patch.from_version = in.at("from_version").get<model::Version>();
  }
  in.at("length").get_to(patch.length);
  patch.sha256 = digest_at(in, "sha256");
  patch.head = digest_at(in, "head");
  return patch;
}

Json patch_json(const Patch& patch) {
  Json out{{"format", kPatchFormat},
           {"length", patch.length},
           {"sha256", patch.sha256},
           {"head", patch.head}};
  if (!patch.from.empty()) {
    out["from"] = patch.from;
    out["from_version"] = patch.from_version;
  }
  return out;
}

void read_patches(const Json& custom, Firmware& firmware) {
  if (custom.contains("packed")) {
    firmware.packed = patch_of(custom["packed"]);
    if (firmware.packed && !firmware.packed->from.empty())
      throw std::invalid_argument("a packed image that is made from another one");
  }
  if (!custom.contains("patches")) return;
  const auto& list = custom["patches"].get_ref<const Json::array_t&>();
  if (list.size() > kMaxPatches) throw std::invalid_argument("too many patches");
  for (const Json& entry : list) {
    auto patch = patch_of(entry);
    if (!patch) continue;
    if (patch->from.empty()) throw std::invalid_argument("a patch of no image");
    firmware.patches.push_back(std::move(*patch));
  }
}

}  // namespace

Result<Firmware> firmware_of(const TargetInfo& target) {
  const auto custom = parse_strict(target.custom);
  if (!custom) return custom.error().within(target.name);
  Firmware firmware;
  model::Release& release = firmware.release;
  try {
    release.version = custom->at("version").get<model::Version>();
    release.hardware = custom->at("hardware").get<std::vector<std::string>>();
    release.release_class = custom->at("class").get<model::ReleaseClass>();
    release.notes = printable(custom->value("notes", ""));
    if (custom->contains("rollback_floor")) {
      firmware.rollback_floor = custom->at("rollback_floor").get<model::Version>();
    }
    read_patches(*custom, firmware);
  } catch (const std::exception& error) {
    return fail(Errc::kMalformed, target.name + ": custom: " + error.what());
  }
  release.target = target.name;
  release.length = target.length;
  for (const auto& [algorithm, hex] : target.hashes) {
    if (algorithm == "sha256") release.sha256 = hex;
  }
  if (release.sha256.empty()) return fail(Errc::kMalformed, target.name + ": no sha256");
  return firmware;
}

std::string custom_of(const Firmware& firmware) {
  const model::Release& release = firmware.release;
  Json custom{{"version", release.version},
              {"hardware", release.hardware},
              {"class", release.release_class},
              {"notes", release.notes}};
  if (firmware.rollback_floor) custom["rollback_floor"] = *firmware.rollback_floor;
  if (firmware.packed) custom["packed"] = patch_json(*firmware.packed);
  for (const Patch& patch : firmware.patches)
    custom["patches"].push_back(patch_json(patch));
  return canonical(custom);
}

model::Release with_shorter_files(Firmware firmware) {
  model::Release& release = firmware.release;
  if (firmware.packed) release.shorter.push_back({{}, {}, firmware.packed->length});
  for (Patch& patch : firmware.patches)
    release.shorter.push_back({std::move(patch.from), patch.from_version, patch.length});
  return std::move(release);
}

std::string patch_name(std::string_view target, std::string_view image_sha256, const Patch& patch) {
  const std::string_view folder = target.substr(0, target.rfind('/') + 1);
  const std::string to = "-" + std::string(image_sha256.substr(0, kNameDigits));
  return std::string(folder) +
         (patch.from.empty() ? "packed" : "patch-" + patch.from.substr(0, kNameDigits)) + to;
}

std::string role_of_model(std::string_view hardware) {
  return "model-" + std::string(hardware);
}

std::string plain_name(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-';
    if (!fine) c = '_';
  }
  return out;
}

std::string folder_of_model(std::string_view hardware) {
  std::string folder = plain_name(hardware);
  // Two models that look alike as plain names, and names of dots, get folders of their own.
  constexpr std::size_t kDigits = 8;
  if (folder != hardware || folder.starts_with('.')) {
    folder = "m_" + folder + "-" + sha256_hex(hardware).substr(0, kDigits);
  }
  return folder;
}

Result<void> check_firmware(const model::Release& release, std::string_view hardware,
                            const std::optional<model::Version>& floor) {
  if (!release.fits(hardware)) {
    return fail(Errc::kWrongSoftware, release.target + " does not list " + std::string(hardware));
  }
  if (floor && release.version < *floor) {
    return fail(Errc::kFirmwareRollback, release.version.label() + " is below " + floor->label());
  }
  return {};
}

TargetCheck::TargetCheck(const TargetInfo& target)
    : name_(target.name), length_(target.length), hashes_(target.hashes) {}

Result<void> TargetCheck::update(std::string_view bytes) {
  seen_ += bytes.size();
  if (seen_ > length_) {
    return fail(Errc::kEndlessData, name_ + ": more than " + std::to_string(length_) + " bytes");
  }
  hashes_.update(bytes);
  return {};
}

Result<void> TargetCheck::finish() {
  if (seen_ != length_) {
    return fail(Errc::kArbitrary,
                name_ + ": " + std::to_string(seen_) + " of " + std::to_string(length_) + " bytes");
  }
  if (!hashes_.matches()) return fail(Errc::kArbitrary, name_ + ": the hash differs");
  return {};
}

}  // namespace ota::tuf
