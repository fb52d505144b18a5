// A job that has ended stays as it ended, whatever comes and whoever restarts.
#include <map>

#include "base/json.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class FinalIsFinal final : public Invariant {
  void look(World& world) override {
    const auto snapshot = world.server().fleet()->snapshot();
    for (const auto& entry : snapshot->jobs) {
      const model::Job& job = *entry;
      const auto known = known_.find(job.id);
      if (known != known_.end() && known->second != job.state) {
        breaks(job.id + " had ended as " + std::string(model::to_text(known->second)) +
               " and is now " + std::string(model::to_text(job.state)));
      }
      if (model::is_final(job.state)) known_[job.id] = job.state;
    }
  }
  // A state that was seen in memory alone may be lost with the power.
  void server_will_end(World& world) override {
    const auto stored = world.server().store()->load("ended-jobs");
    if (!stored) return;
    known_.clear();
    for (const store::Document& one : *stored) {
      const auto document = parse_json(one.document);
      if (!document) continue;
      const auto job = document->get<model::Job>();
      if (model::is_final(job.state)) known_[job.id] = job.state;
    }
  }

  std::map<std::string, model::JobState> known_;
};

}  // namespace

std::unique_ptr<Invariant> final_is_final() {
  return std::make_unique<FinalIsFinal>();
}

}  // namespace ota::world
