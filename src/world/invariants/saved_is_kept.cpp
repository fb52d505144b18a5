// What an agent made durable is there after a power cut, whatever else that took.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class SavedIsKept final : public Invariant {
  void lost_power(World&, const Device& device) override {
    if (!device.truth().not_kept.empty())
      breaks(device.machine() + " lost " + device.truth().not_kept + " with its power");
  }

  void booted(World&, const Device& device) override { check(device); }
  void settled(World& world) override {
    for (const auto& device : world.devices())
      check(*device);
  }

  void check(const Device& device) {
    if (device.half_joined())
      breaks(device.machine() + " has a certificate, and no root for its updates");
  }
};

}  // namespace

std::unique_ptr<Invariant> saved_is_kept() {
  return std::make_unique<SavedIsKept>();
}

}  // namespace ota::world
