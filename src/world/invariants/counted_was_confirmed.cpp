// A job that counts as succeeded is one whose image a machine of the device has started and
// confirmed.
#include <algorithm>
#include <set>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class CountedWasConfirmed final : public Invariant {
  void look(World& world) override {
    const auto snapshot = world.server().fleet()->snapshot();
    for (const auto& known : snapshot->jobs) {
      const model::Job& job = *known;
      if (job.state != model::JobState::kSucceeded || !seen_.insert(job.id).second) continue;
      if (world.is_ddi(job.device) || job.ddi) continue;  // another promise
      const auto& machines = world.machines_of(job.device);
      const bool ran = std::ranges::any_of(machines, [&](const Device* machine) {
        return std::ranges::any_of(machine->truth().boots, [&](const Truth::Boot& boot) {
          return boot.sha256 == job.release.sha256;
        });
      });
      const bool kept = std::ranges::any_of(machines, [&](const Device* machine) {
        return std::ranges::any_of(machine->truth().confirmed, [&](const Truth::Confirmed& one) {
          return one.image.sha256 == job.release.sha256;
        });
      });
      if (!ran) breaks(job.id + " succeeded, and " + job.device + " never started its image");
      if (!kept) breaks(job.id + " succeeded, and " + job.device + " never confirmed its image");
    }
  }

  std::set<std::string> seen_;
};

}  // namespace

std::unique_ptr<Invariant> counted_was_confirmed() {
  return std::make_unique<CountedWasConfirmed>();
}

}  // namespace ota::world
