// No device is told to update without an allow of the gate for this device and this image on disk.
#include "base/json.h"
#include "model/event_kind.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class OfferWasAllowed final : public Invariant {
  void answered(World& world, const Device* device, const Request& asked,
                const http::Response& answer) override {
    for (const Json& command : updates_told(device, asked, answer)) {
      check(world, asked.peer.name, command);
    }
  }

  // `device`: as whom it asked; a code may be taken by a machine that is configured as another.
  void check(World& world, const std::string& device, const Json& command) {
    const auto id = command["job"].get<std::string>();
    const auto job = world.server().fleet()->job(id);
    if (!job) return breaks(device + " is told of " + id + ", which is not there");
    if (job->device != device)
      return breaks(device + " is told of " + id + ", which is " + job->device + "'s");
    if (job->release.sha256 != command["release"]["sha256"].get<std::string>())
      return breaks(id + " is told with another image than it has");
    const auto image = world.images().find(job->release.sha256);
    if (image == world.images().end()) return breaks(id + " is for what was never published");
    // The gate's own event is on disk before anyone is told.
    const auto events = world.server().store()->events(
        {.limit = 5000, .source = device, .kind_prefix = "gate.", .newest_first = true});
    if (!events) return;
    for (const model::Event& event : *events) {
      if ((event.kind == model::event_kind::kGateAllow ||
           event.kind == model::event_kind::kGateOverride) &&
          event.data.value("job", "") == id)
        return;
    }
    breaks(device + " is told of " + id + " without an allow on disk");
  }
};

}  // namespace

std::unique_ptr<Invariant> offer_was_allowed() {
  return std::make_unique<OfferWasAllowed>();
}

}  // namespace ota::world
