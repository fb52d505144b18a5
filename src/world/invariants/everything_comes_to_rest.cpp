// Once faults have stopped and operators have done their part, every device is heard of and no job
// is open.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class EverythingComesToRest final : public Invariant {
  void settled(World& world) override {
    const auto snapshot = world.server().fleet()->snapshot();
    for (std::size_t i = 0; i < world.plan().devices; ++i) {
      const Device& device = world.device(i);
      const auto* row = snapshot->find(device.id());
      if (row == nullptr) return breaks(device.id() + " is not shown at all");
      if (!row->online) return breaks(device.id() + " is not heard of: " + row->gate);
    }
    for (const model::Job& job : world.server().fleet()->jobs("", 200)) {
      if (!model::is_final(job.state))
        breaks(job.id + " is still " + std::string(model::to_text(job.state)) + ": " + job.detail);
    }
  }
};

}  // namespace

std::unique_ptr<Invariant> everything_comes_to_rest() {
  return std::make_unique<EverythingComesToRest>();
}

}  // namespace ota::world
