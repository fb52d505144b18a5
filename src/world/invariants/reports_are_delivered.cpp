// A device keeps what it has to say of an update's end until the server has answered it.
#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/json.h"
#include "world/invariants/all.h"
#include "world/world.h"

namespace ota::world {
namespace {

class ReportsAreDelivered final : public Invariant {
  using Report = std::pair<std::string, std::uint64_t>;  // job and number

  struct Kept {
    std::set<Report> ends;       // that its ledger held when it was last looked at
    std::uint64_t next_seq = 0;  // a lower one than before: another ledger
    std::uint64_t restored = 0;
  };

  void answered(World&, const Device* device, const Request& asked,
                const http::Response& answer) override {
    const auto job = id_between(asked.target, "/v1/jobs/", "/report");
    if (device == nullptr || answer.status >= 500 || !job) return;
    const auto report = parse_json(asked.body);
    if (!report) return;
    std::uint64_t& newest = answered_[device->machine()][*job];
    // The server knows of no such open job: it wants to hear no more of it.
    const bool over = answer.status == 404 || answer.status == 409;
    newest = over ? std::numeric_limits<std::uint64_t>::max()
                  : std::max(newest, (*report)["seq"].get<std::uint64_t>());
  }

  void look(World& world) override {
    for (const auto& device : world.devices()) {
      const auto ledger = device->ledger();
      if (!ledger) continue;
      Kept now{{}, ledger->next_seq, device->truth().restored};
      for (const agent::QueuedReport& entry : ledger->outbox) {
        if (model::is_final(entry.report.state)) now.ends.emplace(entry.job, entry.report.seq);
      }
      const Kept& before = kept_[device->machine()];
      const bool same = before.next_seq <= now.next_seq && before.restored == now.restored;
      for (const Report& end : before.ends) {
        if (!same || now.ends.contains(end)) continue;
        const auto& jobs = answered_[device->machine()];
        const auto found = jobs.find(end.first);
        // A new attempt of its job takes the place of what the last one ended with.
        const auto newer = [&end](const agent::FinishedJob& job) {
          return job.id == end.first && job.report.seq > end.second;
        };
        const bool again = (ledger->job && ledger->job->id == end.first) ||
                           std::ranges::any_of(ledger->finished, newer);
        if (!again && (found == jobs.end() || found->second < end.second))
          breaks(device->machine() + " keeps no longer how " + end.first +
                 " ended, and the server has not answered that");
      }
      kept_[device->machine()] = std::move(now);
    }
  }

  std::map<std::string, Kept> kept_;  // by machine
  std::map<std::string, std::map<std::string, std::uint64_t>> answered_;
};

}  // namespace

std::unique_ptr<Invariant> reports_are_delivered() {
  return std::make_unique<ReportsAreDelivered>();
}

}  // namespace ota::world
