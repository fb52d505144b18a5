// A device says nothing about another one's job: what was forged shows nowhere.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class OwnJobsOnly final : public Invariant {
  void look(World& world) override {
    for (const model::Job& job : world.server().fleet()->jobs("", 200)) {
      if (job.detail == "forged") breaks(job.id + " believes what another device said of it");
      for (const model::JobStep& step : job.steps) {
        if (step.detail == "forged") breaks(job.id + " believed what another device said of it");
      }
    }
  }
};

}  // namespace

std::unique_ptr<Invariant> own_jobs_only() {
  return std::make_unique<OwnJobsOnly>();
}

}  // namespace ota::world
