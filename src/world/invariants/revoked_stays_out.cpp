// A certificate of a device that was revoked opens nothing any more.
#include <map>
#include <set>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class RevokedStaysOut final : public Invariant {
  void answered(World& world, const Device* device, const Request& asked,
                const http::Response& answer) override {
    if (device == nullptr) {
      const auto id = id_between(asked.target, "/v1/devices/", "/revoke");
      if (answer.status != 204 || !id) return;
      for (const std::string& serial : seen_[*id])
        revoked_.insert(serial);
      return;
    }
    if (asked.peer.role != http::Role::kDevice) return;
    if (answer.status >= 200 && answer.status < 300 && revoked_.contains(asked.peer.serial) &&
        world.server().up())
      breaks(device->machine() + " is served with a certificate that was revoked: " + asked.target);
    seen_[asked.peer.name].insert(asked.peer.serial);
  }

  std::map<std::string, std::set<std::string>> seen_;
  std::set<std::string> revoked_;
};

}  // namespace

std::unique_ptr<Invariant> revoked_stays_out() {
  return std::make_unique<RevokedStaysOut>();
}

}  // namespace ota::world
