// Two machines with one identity that both speak for minutes are told as that.
#include <map>

#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

constexpr std::chrono::minutes kNoticed{3};

class CloneIsNoticed final : public Invariant {
  void answered(World& world, const Device* device, const Request& asked,
                const http::Response& answer) override {
    if (device == nullptr || asked.target != "/v1/telemetry" || answer.status >= 300) return;
    heard_[device->id()][device->machine()] = world.timeline().now();
  }

  void look(World& world) override {
    const MonoTime now = world.timeline().now();
    for (const auto& [id, machines] : heard_) {
      std::size_t speak = 0;
      for (const auto& [machine, at] : machines)
        speak += now - at < world.plan().interval * 3 ? 1 : 0;
      if (speak < 2) {
        since_.erase(id);
        continue;
      }
      const auto since = since_.try_emplace(id, now).first->second;
      const auto detail = world.server().fleet()->detail(id);
      if (detail && detail->row.in_two_places()) {
        since_.erase(id);
      } else if (now - since > kNoticed) {
        breaks(id + " speaks from two machines for three minutes, and nobody is told");
      }
    }
  }
  void server_started(World&) override { since_.clear(); }

  std::map<std::string, std::map<std::string, MonoTime>> heard_;
  std::map<std::string, MonoTime> since_;
};

}  // namespace

std::unique_ptr<Invariant> clone_is_noticed() {
  return std::make_unique<CloneIsNoticed>();
}

}  // namespace ota::world
