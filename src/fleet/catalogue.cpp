#include "fleet/catalogue.h"

#include <algorithm>

namespace ota::fleet {

Catalogue::Catalogue(std::vector<model::Release> releases) {
  std::stable_sort(releases.begin(), releases.end(),
                   [](const auto& a, const auto& b) { return a.version > b.version; });
  releases_ = std::make_shared<const std::vector<model::Release>>(std::move(releases));
}

const model::Release* Catalogue::find(const model::Version& version,
                                      const std::string& hardware) const {
  const model::Release* other = nullptr;
  for (const model::Release& release : *releases_) {
    if (release.version != version) continue;
    if (release.fits(hardware)) return &release;
    if (other == nullptr) other = &release;
  }
  return other;
}

std::optional<std::string> Catalogue::digest_of(const model::Version& version,
                                                const std::string& hardware) const {
  const model::Release* release = find(version, hardware);
  if (release == nullptr || !release->fits(hardware)) return std::nullopt;
  return release->sha256;
}

bool Catalogue::holds(const std::string& sha256) const {
  return std::any_of(releases_->begin(), releases_->end(),
                     [&](const auto& release) { return release.sha256 == sha256; });
}

}  // namespace ota::fleet
