// No request is answered by 500: that is a defect's answer.
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class NoServerError final : public Invariant {
  void answered(World& world, const Device* device, const Request& asked,
                const http::Response& answer) override {
    if (answer.status == 500 && !world.server().disk().full())
      breaks((device == nullptr ? "an operator" : device->machine()) +
             " is answered by 500: " + asked.target + " " + answer.body);
  }
};

}  // namespace

std::unique_ptr<Invariant> no_server_error() {
  return std::make_unique<NoServerError>();
}

}  // namespace ota::world
