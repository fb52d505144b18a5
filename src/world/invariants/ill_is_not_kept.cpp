// No device confirms an image whose own health check fails.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class IllIsNotKept final : public Invariant {
  void look(World& world) override {
    for (const auto& device : world.devices()) {
      for (const Truth::Confirmed& one : device->truth().confirmed) {
        const auto image = world.images().find(one.image.sha256);
        if (image != world.images().end() && !image->second.healthy)
          breaks(device->machine() + " has confirmed " + image->second.version.text() +
                 ", whose own check fails");
      }
    }
  }
};

}  // namespace

std::unique_ptr<Invariant> ill_is_not_kept() {
  return std::make_unique<IllIsNotKept>();
}

}  // namespace ota::world
