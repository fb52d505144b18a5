// No device is told of an update that would take it past its data budget, by what it has fetched
// itself, unless an operator gave a reason.
#include <map>
#include <set>
#include <vector>

#include "base/json.h"
#include "fleet/fleet.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

// What the server may not know yet when it asks its gate: on its way, or decided before it came.
constexpr seconds kOnItsWay{20};
// And what it may have forgotten when it ends: it writes what it sends so often, and its disk is slow.
constexpr milliseconds kForgotten = fleet::kSentSaved + seconds(30);
// Half of what counts: so far may its clock have been moved meanwhile.
constexpr std::chrono::hours kCounts{12};

class BudgetIsKept final : public Invariant {
  struct Came {
    MonoTime at;
    WallTime server_time;
    std::uint64_t bytes;
  };

  void fetched(World& world, const std::string& device, std::uint64_t bytes) override {
    came_[device].push_back({world.timeline().now(), world.server().clock().wall(), bytes});
  }

  void server_will_end(World& world) override {
    const bool all =
        world.server().store() == nullptr || !world.server().store()->health().writable;
    const MonoTime kept = world.timeline().now() - kForgotten;
    for (auto& [device, list] : came_)
      std::erase_if(list, [&](const Came& one) { return all || one.at > kept; });
  }

  void answered(World& world, const Device* device, const Request& asked,
                const http::Response& answer) override {
    follow_limit(world);
    // A state that is put back knows nothing of what was sent since.
    if (asked.target == "/v1/state/import" && answer.status == 204) came_.clear();
    for (const Json& command : updates_told(device, asked, answer)) {
      check(world, asked.peer.name, command);
    }
  }

  // An edit may fall between what the gate said and its answer's arrival.
  void follow_limit(World& world) {
    const std::uint64_t now = world.server().fleet()->settings()->ota.data_budget.bytes_per_day;
    if (now != limit_) limit_since_ = world.timeline().now();
    limit_ = now;
  }

  void check(World& world, const std::string& device, const Json& command) {
    const auto id = command["job"].get<std::string>();
    // Handed out again as long as the device does not answer: it was asked about once.
    if (!told_.insert(id + "/" + command["attempt"].dump()).second) return;
    const MonoTime now = world.timeline().now();
    if (limit_ == 0 || now - limit_since_ < kOnItsWay) return;
    const auto job = world.server().fleet()->job(id);
    if (!job || !job->override_reason.empty()) return;
    std::uint64_t used = 0;
    for (const Came& one : came_[device]) {
      const milliseconds age = world.server().clock().wall() - one.server_time;
      if (now - one.at > kOnItsWay && std::chrono::abs(age) < kCounts) used += one.bytes;
    }
    if (used + job->release.length <= limit_) return;
    breaks(device + " is told of " + id + " of " + std::to_string(job->release.length) +
           " bytes, and has fetched " + std::to_string(used) + " of " + std::to_string(limit_));
  }

  std::map<std::string, std::vector<Came>> came_;
  std::set<std::string> told_;
  std::uint64_t limit_ = 0;
  MonoTime limit_since_{};
};

}  // namespace

std::unique_ptr<Invariant> budget_is_kept() {
  return std::make_unique<BudgetIsKept>();
}

}  // namespace ota::world
