// JobService: a push to one device or to a whole fleet.
#include <algorithm>
#include <utility>

#include "fleet/ddi_machine.h"
#include "fleet/gate_question.h"
#include "fleet/job_service.h"
#include "model/event_kind.h"

namespace ota::fleet {
namespace {

using model::Answer;
using model::Severity;

model::Event decision_event(const model::Decision& decision, const std::string& actor,
                            const std::string& job, Json record) {
  model::Event event;
  event.at = decision.at;
  event.source = decision.device;
  event.actor = actor;
  const std::string reason(gate::headline_reason(decision));
  switch (decision.answer) {
    case Answer::kAllow:
      event.severity = decision.override_reason.empty() ? Severity::kInfo : Severity::kWarning;
      event.kind = decision.override_reason.empty() ? model::event_kind::kGateAllow
                                                    : model::event_kind::kGateOverride;
      event.message = "ALLOWED → OTA for " + decision.device + " to " + decision.version.label() +
                      " (" + job + ")";
      if (!decision.override_reason.empty()) {
        event.message += ", override: " + decision.override_reason;
      }
      break;
    case Answer::kSkip:
      event.severity = Severity::kInfo;
      event.kind = model::event_kind::kGateSkip;
      event.message = "SKIPPED → OTA for " + decision.device + " (" + reason + ")";
      break;
    case Answer::kBlock:
      event.severity = Severity::kWarning;
      event.kind = model::event_kind::kGateBlock;
      event.message = "BLOCKED → OTA for " + decision.device + " rejected (" +
                      (decision.risk.empty() ? reason : "Risk: " + decision.risk) + ")";
      break;
  }
  event.data = Json{{"decision", decision}};
  if (!record.empty()) event.data["record"] = std::move(record);
  if (!job.empty()) event.data["job"] = job;
  return event;
}

}  // namespace

model::FetchSum fetch_sum(std::span<const PushOutcome> outcomes) {
  model::FetchSum sum;
  for (const PushOutcome& outcome : outcomes) {
    if (outcome.fetch && outcome.decision.answer == Answer::kAllow) sum.add(*outcome.fetch);
  }
  return sum;
}

// By the same rule as the gate's data budget. None: there is no such device, or no such release for
// it.
std::optional<model::FetchPlan> JobService::plan_of(const std::string& device,
                                                    const model::Release* release,
                                                    WallTime now) const {
  std::optional<model::FetchPlan> plan;
  core_.table.look(device, [&](const LiveDevice& live) {
    if (release == nullptr || !live.spec || !release->fits(live.spec->hardware)) return;
    plan = fetch_plan_of(live, *release, live.reach(core_.settings()->console.ddi, now));
  });
  return plan;
}

// Evaluates one device of a push and, where it is allowed, makes its job.
PushOutcome JobService::decide(const std::string& device, const PushRequest& request, WallTime now,
                               store::Batch& batch) {
  const auto rules = core_.settings();
  const auto published = core_.catalogue();
  std::string hardware;
  core_.table.look(device, [&](const LiveDevice& live) {
    if (live.spec) hardware = live.spec->hardware;
  });
  const std::optional<model::Version> version =
      request.version ? request.version : rules->ota.target_for(hardware);
  const model::Release* release = version ? published->find(*version, hardware) : nullptr;
  gate::Grounds grounds;
  gate::Input input = gate_input(device, release, version.value_or(model::Version{}), now,
                                 request.dry_run ? nullptr : &grounds);
  input.override_reason = request.override_reason;
  input.again = request.again;
  PushOutcome outcome;
  outcome.fetch = plan_of(device, release, now);
  outcome.decision = request.dry_run ? gate::preview(input) : gate::evaluate(input);
  if (request.dry_run) return outcome;
  // Before the job is made: the device's record as it was decided on.
  Json record = gate::decision_record(grounds, input);
  if (outcome.decision.answer == Answer::kAllow) {
    model::Job job = make_job(table.next_id(), outcome.decision, *release, request.actor,
                              *(input.ddi ? core_.ddi_rules() : core_.native_rules()), now);
    if (input.ddi) job.ddi.emplace();
    job.again = request.again;
    outcome.job_id = job.id;
    archive.made(model::ddi_job_number(job.id), now);
    JobTable::Entry& entry = table.put(job, JobTable::Pending::kYes);
    put(batch, job);
    show(job);
    core_.table.with(device, [&](LiveDevice& live) {
      entry.assigned_before = live.record->facts.assigned;
      live.record.edit().facts.assigned = model::Image{release->version, release->sha256};
      Core::put_device(batch, live, now);
    });
  }
  batch.events.push_back(
      decision_event(outcome.decision, request.actor, outcome.job_id, std::move(record)));
  return outcome;
}

// One push in slices: each is decided in one task and written as one batch; its devices are woken
// when that is stored, while others are decided. So a push to a whole fleet neither holds the
// strand for long nor has all its decisions in memory at once.
struct JobService::PushRun {
  PushRequest request;
  Answered<std::vector<PushOutcome>> done;
  std::vector<PushOutcome> outcomes{};  // of those that are decided, in the request's order
  std::size_t in_flight = 0;            // decided, and not stored yet
  bool posted = false;                  // a slice is on its way

  // Deciding takes 12 us for an answer alone, and some 150 us with its record and its job.
  static constexpr std::size_t kDrySlice = 128;
  static constexpr std::size_t kSlice = 16;
  static constexpr std::size_t kMostInFlight = 1024;
  static constexpr std::size_t kPublished = 256;
};

void JobService::push(const PushRequest& request, Answered<std::vector<PushOutcome>> done) {
  auto run = std::make_shared<PushRun>(PushRun{request, std::move(done)});
  run->outcomes.reserve(request.devices.size());
  push_slice(run);
}

void JobService::push_slice(const std::shared_ptr<PushRun>& run) {
  run->posted = false;
  const WallTime now = core_.clock.wall();
  const auto& devices = run->request.devices;
  const std::size_t begin = run->outcomes.size();
  const std::size_t most = run->request.dry_run ? PushRun::kDrySlice : PushRun::kSlice;
  const std::size_t end = std::min(devices.size(), begin + most);
  store::Batch batch;
  for (std::size_t i = begin; i < end; ++i)
    run->outcomes.push_back(decide(devices[i], run->request, now, batch));
  if (!batch.empty()) {
    if (!batch.puts.empty()) archive.put_documents(batch);
    run->in_flight += end - begin;
    core_.commit(std::move(batch), OnFailure::kForget,
                 [this, run, begin, end](const Result<void>& saved) {
                   core_.post([this, run, begin, end, saved] {
                     finish_slice(*run, begin, end, saved);
                     push_on(run);
                   });
                 });
  }
  push_on(run);
}

void JobService::push_on(const std::shared_ptr<PushRun>& run) {
  if (run->posted) return;
  if (run->outcomes.size() < run->request.devices.size()) {
    if (run->in_flight >= PushRun::kMostInFlight) return;
    run->posted = true;
    return core_.post([this, run] { push_slice(run); });
  }
  if (run->in_flight > 0 || !run->done) return;
  // A publication takes 7 us for each row that changed: that of a large push is the next tick's, or
  // the next reader's (Fleet::catch_up).
  if (!run->request.dry_run && run->outcomes.size() <= PushRun::kPublished) core_.publish();
  std::exchange(run->done, {})(std::move(run->outcomes));
}

// After the commit: the jobs may be fetched, or are taken back. The events of a slice that was not
// written are told again, as what came of it, when there is room.
void JobService::finish_slice(PushRun& run, std::size_t begin, std::size_t end,
                              const Result<void>& saved) {
  run.in_flight -= end - begin;
  const WallTime now = core_.clock.wall();
  if (!saved) archive.not_written();
  store::Batch told_again;
  for (std::size_t i = begin; i < end; ++i) {
    PushOutcome& outcome = run.outcomes[i];
    const std::string device = outcome.decision.device;
    const std::string job_id = outcome.job_id;
    JobTable::Entry* entry = outcome.job_id.empty() ? nullptr : table.find(outcome.job_id);
    if (saved) {
      if (entry != nullptr) {
        table.confirm(*entry);
        table.due_by(*entry, next_due(*entry, now));
        core_.wake(device);
      }
      written(job_id, saved);
      continue;
    }
    if (entry != nullptr) {
      core_.table.with(device, [&](LiveDevice& live) {
        live.job.clear();
        live.job_running = false;
        live.record.edit().facts.assigned = entry->assigned_before;
      });
      table.erase(outcome.job_id);
      outcome.job_id.clear();
      outcome.decision = gate::refuse_unsaved(std::move(outcome.decision), saved.error().text());
    }
    written(job_id, saved);
    told_again.events.push_back(decision_event(outcome.decision, run.request.actor, "", {}));
  }
  if (!told_again.empty()) core_.saver.commit(std::move(told_again), OnFailure::kRetry);
}

}  // namespace ota::fleet
