// The counts of how jobs ended are the counts of the jobs.
#include <map>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class EndsAreCountedOnce final : public Invariant {
  void settled(World& world) override {
    world.server().fleet()->catch_up();
    const auto snapshot = world.server().fleet()->snapshot();
    std::map<model::JobState, std::uint64_t> ended;
    for (const model::Job& job : world.server().fleet()->jobs("", 100'000)) {
      if (model::is_final(job.state)) ++ended[job.state];
    }
    for (const auto state :
         {model::JobState::kSucceeded, model::JobState::kFailed, model::JobState::kRolledBack,
          model::JobState::kCancelled, model::JobState::kExpired}) {
      if (snapshot->job_counts.of(state) != ended[state]) {
        breaks(std::to_string(snapshot->job_counts.of(state)) + " jobs count as " +
               std::string(model::to_text(state)) + ", and there are " +
               std::to_string(ended[state]));
      }
    }
  }
};

}  // namespace

std::unique_ptr<Invariant> ends_are_counted_once() {
  return std::make_unique<EndsAreCountedOnce>();
}

}  // namespace ota::world
