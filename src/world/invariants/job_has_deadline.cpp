// No job that is open is without a deadline, or long past it; no device has two.
#include <set>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

constexpr seconds kSlack{30};  // a tick, a slow disk, a clock that has just been set

class JobHasDeadline final : public Invariant {
  void look(World& world) override {
    const WallTime now = world.server().clock().wall();
    std::set<std::string> late;
    std::set<std::string> devices;
    const auto snapshot = world.server().fleet()->snapshot();
    for (const auto& known : snapshot->jobs) {
      const model::Job& job = *known;
      if (model::is_final(job.state)) continue;
      if (!devices.insert(job.device).second) breaks(job.device + " has two jobs at a time");
      if (job.deadline == WallTime{}) breaks(job.id + " is open without a deadline");
      if (job.deadline + kSlack < now) late.insert(job.id);
    }
    // Past it at several looks: a clock that jumped has moved the deadlines by then.
    for (const std::string& id : late) {
      if (++late_[id] > 12) breaks(id + " is open a minute past its deadline");
    }
    std::erase_if(late_, [&](const auto& entry) { return !late.contains(entry.first); });
  }

  std::map<std::string, int> late_;
};

}  // namespace

std::unique_ptr<Invariant> job_has_deadline() {
  return std::make_unique<JobHasDeadline>();
}

}  // namespace ota::world
