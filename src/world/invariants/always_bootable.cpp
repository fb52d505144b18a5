// Whenever a device's power goes, one slot boots, and its image is whole.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class AlwaysBootable final : public Invariant {
  void lost_power(World&, const Device& device) override { check(device); }
  void booted(World&, const Device& device) override { check(device); }
  void settled(World& world) override {
    for (std::size_t i = 0; i < world.plan().devices; ++i)
      check(world.device(i));
  }

  void check(const Device& device) {
    // A new device gets its first image when its agent starts for the first time.
    if (!device.ledger()) return;
    const std::string sha256 = device.bootable();
    if (sha256.empty()) return breaks(device.machine() + " has no slot that boots");
    const auto ledger = device.ledger();
    const bool expected = sha256 == ledger->confirmed.sha256 ||
                          (ledger->trial && sha256 == ledger->trial->image.sha256);
    if (!expected && device.truth().restored == 0)
      breaks(device.machine() + " boots an image that its ledger does not know");
  }
};

}  // namespace

std::unique_ptr<Invariant> always_bootable() {
  return std::make_unique<AlwaysBootable>();
}

}  // namespace ota::world
