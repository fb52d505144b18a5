// What is published, as the fleet looks it up. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/device.h"
#include "model/release.h"
#include "model/version.h"

namespace ota::fleet {

// For people: one line for each image, whose models are listed together, although each has an entry
// of its own in the signed metadata. Order is kept.
std::vector<model::Release> by_image(std::vector<model::Release> releases);

class Catalogue {
 public:
  Catalogue() : releases_(std::make_shared<const std::vector<model::Release>>()) {}
  explicit Catalogue(std::vector<model::Release> releases);

  // As people read it: by_image().
  const std::shared_ptr<const std::vector<model::Release>>& releases() const { return releases_; }

  // The release of this version for the hardware model; where none is made for it, one of this
  // version for another model (the gate then says so); none where the version is not published.
  const model::Release* find(const model::Version& version, const std::string& hardware) const;
  // The digest that is published for the version on this hardware; empty: none. Good as long as the
  // catalogue.
  std::string_view digest_of(const model::Version& version, const std::string& hardware) const;
  // The release with this image; null: none.
  const model::Release* of_image(const std::string& sha256) const;
  // Below which no device may go that has the image with this digest.
  std::optional<model::Version> floor_of(const std::string& sha256) const;

 private:
  std::vector<model::Release> by_model_;                         // newest version first
  std::shared_ptr<const std::vector<model::Release>> releases_;  // newest version first
};

}  // namespace ota::fleet
