// The version that is shown for a device is one that a machine with its identity has confirmed.
#include <algorithm>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class ShownWasTrue final : public Invariant {
  void look(World& world) override {
    const auto snapshot = world.server().fleet()->snapshot();
    for (const auto& chunk : snapshot->rows) {
      for (const auto& row : *chunk) {
        const auto& shown = row->facts().confirmed;
        if (!shown || world.is_ddi(row->id)) continue;
        const bool known =
            std::ranges::any_of(world.machines_of(row->id), [&](const Device* machine) {
              return std::ranges::any_of(
                  machine->truth().confirmed,
                  [&](const Truth::Confirmed& one) { return one.image == *shown; });
            });
        const DdiClient* second = world.second_disk(row->id);
        const bool ran_there =
            second != nullptr && std::ranges::any_of(second->ran(), [&](const model::Image& image) {
              return image.version == shown->version &&
                     (shown->sha256.empty() || image.sha256 == shown->sha256);
            });
        if (!known && !ran_there)
          breaks(row->id + " is shown with " + shown->version.text() +
                 ", which it never confirmed");
      }
    }
  }

  // When all is quiet it is what the device has now.
  void settled(World& world) override {
    const auto snapshot = world.server().fleet()->snapshot();
    for (std::size_t i = 0; i < world.plan().devices; ++i) {
      const Device& device = world.device(i);
      const auto ledger = device.ledger();
      const auto* row = snapshot->find(device.id());
      if (!ledger || row == nullptr || !row->online) continue;  // another promise
      if (row->facts().confirmed != ledger->confirmed) {
        breaks(device.id() + " is shown with " +
               (row->facts().confirmed ? row->facts().confirmed->version.text() : "nothing") +
               " and has " + ledger->confirmed.version.text());
      }
      if (device.bootable() != ledger->confirmed.sha256 && !ledger->trial)
        breaks(device.id() + " would boot another image than the one that it confirmed");
    }
  }
};

}  // namespace

std::unique_ptr<Invariant> shown_was_true() {
  return std::make_unique<ShownWasTrue>();
}

}  // namespace ota::world
