// The word in the GATE column is the gate's answer of now.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class GateWordIsTheGates final : public Invariant {
  void look(World& world) override {
    world.server().fleet()->tick();
    world.server().fleet()->catch_up();
    const auto snapshot = world.server().fleet()->snapshot();
    // Of a large fleet each look asks the gate about some, in turns: it costs as much as a sample.
    const std::size_t turns = world.devices().size() / kAtALook + 1;
    std::size_t number = turn_++ % turns;
    for (const auto& chunk : snapshot->rows) {
      for (const auto& row : *chunk) {
        if (number++ % turns != 0) continue;
        const auto detail = world.server().fleet()->detail(row->id);
        if (!detail || !detail->gate) continue;
        const bool allowed = detail->gate->answer == model::Answer::kAllow;
        const bool shown = row->gate_reason == gate::Reason::kAllowed;
        // A moment between the two is a moment in which a second may have passed.
        if (allowed == shown) {
          differs_.erase(row->id);
        } else if (++differs_[row->id] > 2) {
          breaks(row->id + " shows \"" + row->gate + "\", and the gate says " +
                 detail->gate->headline);
        }
      }
    }
  }

  static constexpr std::size_t kAtALook = 16;
  std::size_t turn_ = 0;
  std::map<std::string, int> differs_;
};

}  // namespace

std::unique_ptr<Invariant> gate_word_is_the_gates() {
  return std::make_unique<GateWordIsTheGates>();
}

}  // namespace ota::world
