// What is said of a device that is updated over DDI is what it did: the version that is shown ran, an
// update that counts was started and kept, and what has ended is handed out no more.
#include <algorithm>
#include <set>

#include "fleet/ddi_machine.h"
#include "fleet/job_table.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class DdiIsTrue final : public Invariant {
  void answered(World& world, const Device*, const Request& asked,
                const http::Response& answer) override {
    if (asked.listener != Request::Listener::kDdi || answer.status != 200) return;
    if (asked.method != http::Method::kGet) return;
    const auto at = asked.target.find("/deploymentBase/");
    if (at == std::string::npos) return;
    const std::string action = asked.target.substr(at + 16, asked.target.find('?') - at - 16);
    const auto number = model::job_number_of_ddi_action(action);
    if (!number) return breaks("an action that is no job: " + action);
    for (const DdiClient* client : world.all_ddi_clients()) {
      if (asked.target.find("/" + client->id() + "/") == std::string::npos) continue;
      const auto job = world.server().fleet()->job(fleet::JobTable::id_of(*number));
      if (!job || job->device != client->id())
        return breaks(client->id() + " is given action " + action + ", which is not its own");
      if (model::is_final(job->state))
        breaks(client->id() + " is given " + job->id + ", which has ended");
    }
  }

  void look(World& world) override {
    fleet::Fleet& fleet = *world.server().fleet();
    for (const DdiClient* client : world.all_ddi_clients()) {
      const auto detail = fleet.detail(client->id());
      // Of one that is an agent's device too shown-was-true says it.
      if (world.is_ddi(client->id()) && detail && detail->record && detail->record->facts.confirmed)
        look_at_shown(*client, *detail->record->facts.confirmed);
      for (const model::Job& job : fleet.jobs(client->id(), 100)) {
        if (job.state == model::JobState::kSucceeded && job.ddi && counted_.insert(job.id).second)
          look_at_success(*client, job);
      }
    }
  }

  void look_at_shown(const DdiClient& client, const model::Image& shown) {
    if (client.has_lied()) return;  // of itself it may
    // One that tells the end before it has restarted, and never its version, is taken at its word.
    if (client.options().tells == DdiOptions::Tells::kBeforeRestart &&
        !client.options().says_version)
      return;
    const bool ran = std::ranges::any_of(client.ran(), [&shown](const model::Image& image) {
      return image.version == shown.version &&
             (shown.sha256.empty() || image.sha256 == shown.sha256);
    });
    if (!ran)
      breaks(client.id() + " is shown with " + shown.version.text() + ", which it never ran");
  }

  void look_at_success(const DdiClient& client, const model::Job& job) {
    if (client.has_lied()) {  // but not about bytes that it never fetched
      const bool there = std::ranges::any_of(client.ran(), [&job](const model::Image& image) {
        return image.version == job.release.version;
      });
      if (job.ddi->fetched == 0 && !there)
        breaks(job.id + " succeeded, and " + client.id() + " fetched nothing of its image");
      return;
    }
    if (client.options().tells == DdiOptions::Tells::kBeforeRestart) {
      if (client.options().says_version) {
        const bool ran = std::ranges::any_of(client.ran(), [&job](const model::Image& image) {
          return image.sha256 == job.release.sha256;
        });
        if (!ran) breaks(job.id + " succeeded, and " + client.id() + " never ran its image");
      }
      return;
    }
    if (!client.kept().contains(model::ddi_action_of(model::ddi_job_number(job.id))))
      breaks(job.id + " succeeded, and " + client.id() + " has not kept its image");
  }

  std::set<std::string> counted_;
};

}  // namespace

std::unique_ptr<Invariant> ddi_is_true() {
  return std::make_unique<DdiIsTrue>();
}

}  // namespace ota::world
