#include "tuf/firmware.h"

#include "base/digest.h"
#include "base/text.h"
#include "tuf/error.h"
#include "tuf/strict_json.h"

namespace ota::tuf {

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
  return canonical(custom);
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
