// A device starts nothing but whole images that were signed for its model, or the one that it came
// with.
#include <algorithm>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class OnlyPublishedRuns final : public Invariant {
  void booted(World& world, const Device& device) override {
    const std::string& sha256 = device.truth().boots.back().sha256;
    if (sha256.empty()) return;  // its very first start
    const auto image = world.images().find(sha256);
    if (image == world.images().end())
      return breaks(device.machine() + " starts an image that nobody signed");
    const auto& models = image->second.hardware;
    if (std::ranges::find(models, device.options().config.hardware) == models.end())
      breaks(device.machine() + " starts " + image->second.version.text() +
             ", which is not for its model");
  }
};

}  // namespace

std::unique_ptr<Invariant> only_published_runs() {
  return std::make_unique<OnlyPublishedRuns>();
}

}  // namespace ota::world
