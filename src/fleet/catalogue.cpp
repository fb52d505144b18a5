#include "fleet/catalogue.h"

#include <algorithm>

namespace ota::fleet {

std::vector<model::Release> by_image(std::vector<model::Release> releases) {
  std::vector<model::Release> out;
  for (model::Release& release : releases) {
    const auto same = std::ranges::find_if(out, [&](const model::Release& known) {
      return known.version == release.version && known.sha256 == release.sha256 &&
             known.release_class == release.release_class;
    });
    if (same == out.end()) {
      out.push_back(std::move(release));
      continue;
    }
    for (std::string& model : release.hardware) {
      if (!same->fits(model)) same->hardware.push_back(std::move(model));
    }
  }
  return out;
}

Catalogue::Catalogue(std::vector<model::Release> releases) : by_model_(std::move(releases)) {
  std::stable_sort(by_model_.begin(), by_model_.end(),
                   [](const auto& a, const auto& b) { return a.version > b.version; });
  releases_ = std::make_shared<const std::vector<model::Release>>(by_image(by_model_));
}

const model::Release* Catalogue::find(const model::Version& version,
                                      const std::string& hardware) const {
  const model::Release* other = nullptr;
  for (const model::Release& release : by_model_) {
    if (release.version != version) continue;
    if (release.fits(hardware)) return &release;
    if (other == nullptr) other = &release;
  }
  return other;
}

std::string_view Catalogue::digest_of(const model::Version& version,
                                      const std::string& hardware) const {
  const model::Release* release = find(version, hardware);
  if (release == nullptr || !release->fits(hardware)) return {};
  return release->sha256;
}

const model::Release* Catalogue::of_image(const std::string& sha256) const {
  const auto found = std::ranges::find(*releases_, sha256, &model::Release::sha256);
  return found == releases_->end() ? nullptr : &*found;
}

std::optional<model::Version> Catalogue::floor_of(const std::string& sha256) const {
  std::optional<model::Version> floor;
  for (const model::Release& release : by_model_) {
    if (release.sha256 == sha256) floor = std::max(floor, release.rollback_floor);
  }
  return floor;
}

}  // namespace ota::fleet
