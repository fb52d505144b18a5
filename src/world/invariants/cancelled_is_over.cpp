// After a cancel was acknowledged nobody is offered the job, and a job that is told as cancelled is
// never installed.
#include <map>

#include "base/json.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class CancelledIsOver final : public Invariant {
  void answered(World&, const Device* device, const Request& asked,
                const http::Response& answer) override {
    if (const auto job = id_between(asked.target, "/v1/jobs/", "/cancel");
        job && answer.status == 204)
      cancelled_.insert(*job);
    for (const Json& command : updates_told(device, asked, answer)) {
      if (cancelled_.contains(command["job"].get<std::string>()))
        breaks(device->id() + " is offered " + command["job"].get<std::string>() +
               " after its cancel was acknowledged");
    }
  }

  void booted(World& world, const Device& device) override {
    const auto ledger = device.ledger();
    if (!ledger || !ledger->trial || ledger->trial->job.empty() || !world.server().up()) return;
    if (device.truth().restored > 0 || world.machines_of(device.id()).size() > 1) return;
    const auto job = world.server().fleet()->job(ledger->trial->job);
    if (job && cancelled_.contains(job->id) && job->state == model::JobState::kCancelled)
      breaks(job->id + " is told as cancelled, and " + device.machine() + " starts its image");
  }

  std::set<std::string> cancelled_;
};

}  // namespace

std::unique_ptr<Invariant> cancelled_is_over() {
  return std::make_unique<CancelledIsOver>();
}

}  // namespace ota::world
