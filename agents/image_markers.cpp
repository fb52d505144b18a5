#include "agents/image_markers.h"

#include <array>
#include <fstream>

#include "base/text.h"

namespace ota::agent {

ImageMarkers read_markers(const std::filesystem::path& image) {
  constexpr std::string_view kProfile = "profile: ";
  std::array<char, 1024> head{};
  std::ifstream file(image, std::ios::binary);
  file.read(head.data(), head.size());
  ImageMarkers markers;
  for (const std::string& line : lines_of({head.data(), static_cast<std::size_t>(file.gcount())})) {
    if (line == "health: fail") markers.unhealthy = true;
    if (line.starts_with(kProfile))
      markers.profile = sim::parse_profile(line.substr(kProfile.size()));
  }
  return markers;
}

}  // namespace ota::agent
