// From the answer to a stop until somebody asks to resume no device is handed an update.
#include <optional>
#include <set>

#include "base/json.h"
#include "fleet/job_table.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

// A slow disk holds an answer up for less.
constexpr seconds kLongestAnswer{10};

class StoppedIsStopped final : public Invariant {
  void answered(World& world, const Device* device, const Request& asked,
                const http::Response& answer) override {
    const MonoTime now = world.timeline().now();
    if (asked.target == "/v1/resume") {
      stopped_ = false;
      resumed_ = now;
    }
    // Of two who ask at once the one who is answered last need not be the one who was heard last.
    const bool at_once = resumed_ && now - *resumed_ < kLongestAnswer;
    if (asked.target == "/v1/stop" && answer.status == 200 && !at_once) {
      stopped_ = true;
      const auto said = parse_json(answer.body);
      saved_ = said && said->value("saved", false);
      open_.clear();
      for (const model::Job& job : world.server().fleet()->jobs("", 1000)) {
        if (!model::is_final(job.state)) open_.insert(job.id);
      }
    }
    if (!stopped_ || answer.status != 200 || asked.method != http::Method::kGet) return;
    for (const Json& command : updates_told(device, asked, answer))
      breaks(command["job"].get<std::string>() + " is handed out while updates are stopped");
    if (asked.listener == Request::Listener::kDdi) look_at_root(asked, answer);
  }

  // A stop that was told as not saved may go with the server's memory. An import brings jobs back:
  // what had passed its point of no return goes on, and the rest is cancelled, which a device may
  // refuse.
  void server_started(World& world) override {
    if (!saved_ && world.server().fleet()->snapshot()->stop == nullptr) stopped_ = false;
    if (!stopped_) return;
    for (const model::Job& job : world.server().fleet()->jobs("", 1000)) {
      if (model::is_final(job.state)) continue;
      if (job.state >= model::JobState::kBooting || job.cancel_requested) open_.insert(job.id);
    }
  }

  // Over DDI a device is told of its update until that ends: what had started may go on.
  void look_at_root(const Request& asked, const http::Response& answer) {
    const auto said = parse_json(answer.body);
    if (!said || !said->is_object() || !said->contains("_links")) return;
    if (!(*said)["_links"].contains("deploymentBase")) return;
    const auto href = (*said)["_links"]["deploymentBase"]["href"].get<std::string>();
    const auto slash = href.rfind('/');
    const auto number =
        model::job_number_of_ddi_action(href.substr(slash + 1, href.find('?') - slash - 1));
    const std::string job = number ? fleet::JobTable::id_of(*number) : href;
    if (!open_.contains(job))
      breaks(asked.target + " is offered " + job + " while updates are stopped");
  }

  bool stopped_ = false;
  bool saved_ = false;  // as the answer said
  std::optional<MonoTime> resumed_;
  std::set<std::string> open_;  // when they were stopped
};

}  // namespace

std::unique_ptr<Invariant> stopped_is_stopped() {
  return std::make_unique<StoppedIsStopped>();
}

}  // namespace ota::world
