// A join code lets one device in, once.
#include <map>

#include "base/json.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class TokenOnce final : public Invariant {
  void answered(World&, const Device* device, const Request& asked,
                const http::Response& answer) override {
    if (device == nullptr || asked.target != "/v1/enroll" || answer.status != 201) return;
    const auto body = parse_json(asked.body);
    if (!body) return;
    const auto [first, fresh] =
        used_.try_emplace((*body)["token"].get<std::string>(), device->machine());
    if (!fresh)
      breaks(device->machine() + " gets in with the code that " + first->second + " has used");
  }

  std::map<std::string, std::string> used_;
};

}  // namespace

std::unique_ptr<Invariant> token_once() {
  return std::make_unique<TokenOnce>();
}

}  // namespace ota::world
