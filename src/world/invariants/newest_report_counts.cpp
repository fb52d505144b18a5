// Of a device's reports the newest counts: none that was acknowledged is undone by an older one
// that came later, or by a restart.
#include <algorithm>
#include <map>

#include "base/json.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class NewestReportCounts final : public Invariant {
  void answered(World&, const Device* device, const Request& asked,
                const http::Response& answer) override {
    const auto job = id_between(asked.target, "/v1/jobs/", "/report");
    if (device == nullptr || answer.status != 204 || !job) return;
    const auto report = parse_json(asked.body);
    // A percentage is not worth a write.
    if (!report || (*report)["state"] == "downloading") return;
    auto& newest = newest_[*job];
    newest = std::max(newest, (*report)["seq"].get<std::uint64_t>());
  }
  void server_started(World& world) override { look(world); }
  void look(World& world) override {
    for (const auto& [id, seq] : newest_) {
      const auto job = world.server().fleet()->job(id);
      if (job && job->report_seq < seq) {
        breaks(id + " stands at its device's report " + std::to_string(job->report_seq) +
               ", and report " + std::to_string(seq) + " was acknowledged");
      }
    }
  }

  std::map<std::string, std::uint64_t> newest_;
};

}  // namespace

std::unique_ptr<Invariant> newest_report_counts() {
  return std::make_unique<NewestReportCounts>();
}

}  // namespace ota::world
