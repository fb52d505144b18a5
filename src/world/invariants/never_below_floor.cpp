// No device ever tries a version below the signed floor that it has learnt.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class NeverBelowFloor final : public Invariant {
  void booted(World& world, const Device& device) override {
    if (device.truth().restored > 0) return;  // whoever puts back a disk puts back its floor
    const auto image = world.images().find(device.truth().boots.back().sha256);
    if (image == world.images().end()) return;
    // What it confirmed before it learnt the floor it may keep, and fall back to.
    const auto ledger = device.ledger();
    if (!ledger || !ledger->trial || ledger->trial->image.sha256 != image->first) return;
    if (image->second.version < device.truth().floor)
      breaks(device.machine() + " tries " + image->second.version.text() + " below its floor " +
             device.truth().floor.text());
  }
};

}  // namespace

std::unique_ptr<Invariant> never_below_floor() {
  return std::make_unique<NeverBelowFloor>();
}

}  // namespace ota::world
