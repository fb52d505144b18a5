// A verdict never gets better because the server started anew.
#include <map>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class VerdictSurvives final : public Invariant {
  void server_will_end(World& world) override {
    before_.clear();
    const auto snapshot = world.server().fleet()->snapshot();
    for (const auto& chunk : snapshot->rows) {
      for (const auto& row : *chunk)
        before_[row->id] = row->level;
    }
  }
  void server_started(World& world) override {
    for (const auto& [id, level] : before_) {
      const auto detail = world.server().fleet()->detail(id);
      if (detail && level != model::Level::kStable && detail->row.level == model::Level::kStable)
        breaks(id + " was " + std::string(model::to_text(level)) + " and is stable by a restart");
    }
  }

  std::map<std::string, model::Level> before_;
};

}  // namespace

std::unique_ptr<Invariant> verdict_survives() {
  return std::make_unique<VerdictSurvives>();
}

}  // namespace ota::world
