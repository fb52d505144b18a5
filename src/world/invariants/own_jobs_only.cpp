// A device says nothing about another one's job: what was forged shows nowhere.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class OwnJobsOnly final : public Invariant {
  void look(World& world) override {
    const auto snapshot = world.server().fleet()->snapshot();
    for (const auto& known : snapshot->jobs) {
      const model::Job& job = *known;
      if (job.detail.find("forged") != std::string::npos)
        breaks(job.id + " believes what another device said of it");
      for (const model::JobStep& step : job.steps) {
        if (step.detail.find("forged") != std::string::npos)
          breaks(job.id + " believed what another device said of it");
      }
    }
  }
};

}  // namespace

std::unique_ptr<Invariant> own_jobs_only() {
  return std::make_unique<OwnJobsOnly>();
}

}  // namespace ota::world
