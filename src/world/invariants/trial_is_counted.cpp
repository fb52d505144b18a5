// A start of an image on trial counts as one, so that no image is tried without end.
#include <map>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class TrialIsCounted final : public Invariant {
  struct Start {
    std::string sha256;  // of the image on trial that it started from; empty: from a confirmed one
    unsigned counted = 0;  // starts of it before
  };

  void booted(World&, const Device& device) override {
    const auto ledger = device.ledger();
    Start start;
    if (ledger && ledger->trial && ledger->trial->image.sha256 == device.bootable())
      start = {ledger->trial->image.sha256, ledger->trial->boots};
    starts_[device.machine()] = std::move(start);
  }

  void look(World& world) override {
    // An agent's first write comes within its first moments; its disk takes no virtual time.
    constexpr seconds kSettled{2};
    for (const auto& device : world.devices()) {
      const Start& start = starts_[device->machine()];
      if (start.sha256.empty() || !device->running()) continue;
      if (world.timeline().now() - device->truth().boots.back().at < kSettled) continue;
      const auto ledger = device->ledger();
      const bool tries = ledger && ledger->trial && ledger->trial->image.sha256 == start.sha256 &&
                         ledger->trial->failure_code.empty();
      if (tries && ledger->trial->boots <= start.counted)
        breaks(device->machine() + " tries an image, and counts no more than " +
               std::to_string(start.counted) + " starts of it");
    }
  }

  std::map<std::string, Start> starts_;  // by machine: the last
};

}  // namespace

std::unique_ptr<Invariant> trial_is_counted() {
  return std::make_unique<TrialIsCounted>();
}

}  // namespace ota::world
