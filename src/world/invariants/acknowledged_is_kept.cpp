// What the server said yes to is there for good: jobs, revocations, final reports, enrolments.
#include <map>
#include <set>

#include "base/json.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class AcknowledgedIsKept final : public Invariant {
  void answered(World& world, const Device* device, const Request& asked,
                const http::Response& answer) override {
    if (answer.status < 200 || answer.status >= 300 || asked.method != http::Method::kPost) return;
    if (asked.target == "/v1/push") {
      const auto said = parse_json(answer.body);
      if (!said) return;
      for (const Json& result : (*said)["results"]) {
        if (result.contains("job")) jobs_.insert(result["job"].get<std::string>());
      }
      return;
    }
    if (const auto id = id_between(asked.target, "/v1/devices/", "/revoke"))
      revoked_[*id] = {world.server().clock().wall(), enrolled_at(world, *id)};
    // A new token lets a device over DDI in anew.
    if (const auto id = id_between(asked.target, "/v1/devices/", "/ddi-token")) revoked_.erase(*id);
    if (asked.target == "/v1/enroll") {
      if (const auto said = parse_json(answer.body))
        revoked_.erase((*said)["device"].get<std::string>());
    }
    if (const auto job = id_between(asked.target, "/v1/jobs/", "/report"); device && job) {
      const auto report = parse_json(asked.body);
      if (!report) return;
      // A number not above the last one is a repetition, or another machine under this name.
      const auto number = (*report)["seq"].get<std::uint64_t>();
      if (number <= newest_[*job]) return;
      newest_[*job] = number;
      const auto state = model::parse_job_state((*report)["state"].get<std::string>());
      if (state && model::is_final(*state)) ended_.insert(*job);
    }
  }

  void server_started(World& world) override { check(world); }
  // Where there are many, what is lost is seen at a start at the latest.
  void look(World& world) override {
    if (turn_++ % (jobs_.size() / 64 + 1) == 0) check(world);
  }
  void check(World& world) {
    const fleet::Fleet& fleet = *world.server().fleet();
    for (const std::string& id : jobs_) {
      if (!fleet.job(id)) breaks(id + " was promised to an operator and is not there");
    }
    for (const auto& [device, revoked] : revoked_) {
      const auto detail = fleet.detail(device);
      // One that is let in anew is so in memory before its certificate is on disk and given out; the
      // server's clock may have been set back since.
      if (detail && detail->record &&
          (detail->record->enrolled_at >= revoked.at - seconds(10) ||
           detail->record->enrolled_at != revoked.enrolled_at))
        continue;
      if (!detail || !detail->record || !detail->record->revoked)
        breaks(device + " was revoked, and is not");
    }
    for (const std::string& id : ended_) {
      const auto job = fleet.job(id);
      if (!job) {
        breaks(id + "'s end was acknowledged, and it is not there");
      } else if (!model::is_final(job->state) && !job->claims_success && job->attempt == 1 &&
                 job->state != model::JobState::kQueued) {
        breaks(id + "'s end was acknowledged, and it is " +
               std::string(model::to_text(job->state)));
      }
    }
  }

  static WallTime enrolled_at(World& world, const std::string& device) {
    const auto detail = world.server().fleet()->detail(device);
    return detail && detail->record ? detail->record->enrolled_at : WallTime{};
  }

  struct Revoked {
    WallTime at;           // by the server's clock
    WallTime enrolled_at;  // as its record said then
  };
  std::size_t turn_ = 0;
  std::set<std::string> jobs_;
  std::map<std::string, Revoked> revoked_;
  std::map<std::string, std::uint64_t> newest_;  // acknowledged, by job
  std::set<std::string> ended_;
};

}  // namespace

std::unique_ptr<Invariant> acknowledged_is_kept() {
  return std::make_unique<AcknowledgedIsKept>();
}

}  // namespace ota::world
