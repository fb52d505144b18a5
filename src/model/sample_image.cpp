#include "model/sample_image.h"

#include <cstdint>

#include "base/digest.h"

namespace ota::model {

std::string sample_image(const Version& version, const std::string& marker_lines) {
  constexpr std::uint32_t kBlocks = 2048;  // of 32 bytes: 64 KiB
  std::string image = "SECURE-OTA SAMPLE IMAGE\nversion " + version.text() + "\n" + marker_lines;
  if (!marker_lines.empty() && marker_lines.back() != '\n') image += '\n';
  image += '\n';
  image.reserve(image.size() + kBlocks * std::size_t{32});
  for (std::uint32_t block = 0; block < kBlocks; ++block) {
    const Digest256 bytes = sha256(as_bytes(version.text() + "/" + std::to_string(block)));
    image += as_text(bytes);
  }
  return image;
}

}  // namespace ota::model
