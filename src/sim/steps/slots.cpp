// What a device would boot from, read from its disk while it is dead.
#include <filesystem>

#include "base/digest.h"
#include "base/file.h"
#include "sim/steps/all.h"
#include "sim/world.h"

namespace ota::sim {

Result<void> check_slots(const World& world, const std::string& device) {
  namespace fs = std::filesystem;
  constexpr std::size_t kMaxImage = 128U << 20;
  const fs::path slots = world.agent_folder(device) / "slots";
  std::error_code failed;
  const fs::path slot = slots / fs::read_symlink(slots / "current", failed);
  if (failed) return fail(Errc::kConflict, device + ": no slot is current: " + failed.message());
  const auto record = read_file(slot / "version.json", 65536);
  if (!record) return record.error().within(device + ": the current slot holds nothing");
  const auto document = parse_json(*record);
  if (!document) return document.error().within((slot / "version.json").string());
  const auto image = read_file(slot / "image", kMaxImage);
  if (!image) return image.error().within(device + ": the current slot has no image");
  if (sha256_hex(*image) != cli::text_at(*document, "sha256")) {
    return fail(Errc::kConflict, device + ": the current slot's image is not what its record says");
  }
  return {};
}

}  // namespace ota::sim
