// A device starts no image but those that it had and those that the server told it to take: whoever
// stands in the server's place without the director's key ships nothing, and with it what was signed.
#include <map>
#include <set>

#include "base/json.h"
#include "model/sample_image.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class StartedWasAllowed final : public Invariant {
  void answered(World&, const Device* device, const Request& asked,
                const http::Response& answer) override {
    for (const Json& command : updates_told(device, asked, answer)) {
      told_[device->machine()].insert(command["release"]["sha256"].get<std::string>());
    }
  }

  // A clone has what its original had.
  void booted(World& world, const Device& device) override {
    const std::string& sha256 = device.truth().boots.back().sha256;
    if (sha256.empty() || !had_[device.machine()].insert(sha256).second) return;
    const auto image = world.images().find(sha256);
    const bool factory =
        image != world.images().end() && image->second.version == model::kFactoryVersion;
    if (factory || world.plan().thief > 1 || world.machines_of(device.id()).size() > 1) return;
    if (!told_[device.machine()].contains(sha256))
      breaks(device.machine() + " starts an image that nobody told it to take");
  }

  // By machine.
  std::map<std::string, std::set<std::string>> told_;
  std::map<std::string, std::set<std::string>> had_;
};

}  // namespace

std::unique_ptr<Invariant> started_was_allowed() {
  return std::make_unique<StartedWasAllowed>();
}

}  // namespace ota::world
