// Fleet: an update from the operator's word to what the device reports.
#include <algorithm>

#include "fleet/impl.h"

namespace ota::fleet {
namespace {

using model::Answer;
using model::JobState;
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
      event.kind = decision.override_reason.empty() ? "gate.allow" : "gate.override";
      event.message = "ALLOWED → OTA for " + decision.device + " to " + decision.version.label() +
                      " (" + job + ")";
      if (!decision.override_reason.empty()) {
        event.message += ", override: " + decision.override_reason;
      }
      break;
    case Answer::kSkip:
      event.severity = Severity::kInfo;
      event.kind = "gate.skip";
      event.message = "SKIPPED → OTA for " + decision.device + " (" + reason + ")";
      break;
    case Answer::kBlock:
      event.severity = Severity::kWarning;
      event.kind = "gate.block";
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

gate::Input Fleet::Impl::gate_input(const std::string& device, const model::Release* release,
                                    const model::Version& version, WallTime now,
                                    gate::Grounds* grounds) {
  gate::Input input;
  input.now = now;
  input.device = device;
  input.release_published = release != nullptr;
  if (release != nullptr) {
    input.release = *release;
  } else {
    input.release.version = version;
  }
  const auto published = catalogue();
  const auto rules = settings();
  table.look(device, [&](const LiveDevice& live) {
    if (live.spec) input.spec = *live.spec;
    if (live.record) input.record = *live.record;
    input.online = live.online;
    input.silent_for = live.silent_for(now);
    if (live.spec) {
      input.window = model::window_state(rules->ota.maintenance_windows, live.spec->group, now);
    }
    input.verdict = verdict_of(live, now);
    if (grounds != nullptr) *grounds = grounds_of(live, now);
    if (live.record && live.record->ddi) {
      input.ddi = gate::DdiSide{.has_agent = !live.ddi_alone(),
                                .polls = live.ddi_polls(rules->console.ddi, now),
                                .silent_for = live.ddi_silent_for(now),
                                .policy = rules->ota.ddi_without_telemetry};
    }
  });
  // Asked now, not at the last tick: silence may have grown since.
  if (input.silent_for >= rules->thresholds.stale_after) input.online = false;
  if (input.record && input.record->facts.confirmed && input.spec) {
    input.confirmed_published_sha256 =
        published->digest_of(input.record->facts.confirmed->version, input.spec->hardware);
  }
  if (const JobBook::Entry* entry = jobs.running(device)) input.running_job = *entry->job;
  return input;
}

model::OtaSettings Fleet::Impl::rules_of(const model::Job& job) const {
  const auto now = settings();
  return job.ddi ? ddi_rules(*now) : now->ota;
}

void Fleet::Impl::show_job(const model::Job& job) {
  table.with(job.device, [&](LiveDevice& device) {
    device.job = job.id;
    device.job_state = job.state;
    device.job_percent = job.percent;
    device.job_running = !model::is_final(job.state);
    device.watching = job.watch == model::Watch::kWatching;
  });
}

bool Fleet::Impl::carry_out(const JobChange& change, store::Batch& batch) {
  jobs.put(change.job);
  put_job(batch, change.job);
  show_job(change.job);
  const model::Image image{change.job.release.version, change.job.release.sha256};
  const bool about_device =
      change.written || change.confirmed || change.fell_back || change.attention;
  if (about_device) {
    table.with(change.job.device, [&](LiveDevice& device) {
      model::DeviceRecord& record = record_of(device);
      if (change.written) record.facts.written = image;
      if (change.confirmed) {
        // An operator's word to leave an image holds for that one.
        if (record.facts.confirmed != image) record.rollback_requested = false;
        record.facts.booted = image;
        record.facts.confirmed = image;
        record.rejected.erase(image.sha256);
        trust(record, image);
      }
      if (change.fell_back) {
        record.rejected[image.sha256] =
            change.job.detail.empty() ? "it fell back" : change.job.detail;
      }
      if (change.attention) record.attention = *change.attention;
      put_device(batch, device, clock.wall());
    });
  }
  for (const model::Event& event : change.events)
    batch.events.push_back(event);
  return change.wake_device;
}

// Evaluates one device of a push and, where it is allowed, makes its job. jobs_mutex held.
PushOutcome Fleet::Impl::decide(const std::string& device, const PushRequest& request,
                                const store::Health& health, WallTime now, store::Batch& batch) {
  const auto rules = settings();
  const auto published = catalogue();
  std::string hardware;
  table.look(device, [&](const LiveDevice& live) {
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
  if (!health.writable) input.unsaved = health.problem;
  outcome.decision = request.dry_run ? gate::preview(input) : gate::evaluate(input);
  if (request.dry_run) return outcome;
  // Before the job is made: the device's record as it was decided on.
  Json record = gate::decision_record(grounds, input);
  if (outcome.decision.answer == Answer::kAllow) {
    model::Job job = make_job(jobs.next_id(), outcome.decision, *release, request.actor,
                              input.ddi ? ddi_rules(*rules) : rules->ota, now);
    if (input.ddi) job.ddi.emplace();
    job.again = request.again;
    outcome.job_id = job.id;
    JobBook::Entry& entry = jobs.put(job);
    entry.pending = true;
    put_job(batch, job);
    show_job(job);
    table.with(device, [&](LiveDevice& live) {
      entry.assigned_before = live.record->facts.assigned;
      live.record.edit().facts.assigned = model::Image{release->version, release->sha256};
      put_device(batch, live, now);
    });
  }
  batch.events.push_back(
      decision_event(outcome.decision, request.actor, outcome.job_id, std::move(record)));
  return outcome;
}

// One push in parts: a part is decided under the lock, written as one batch, and its devices are
// woken while the next part is decided. So a push to a whole fleet neither holds the lock for long
// nor has all its decisions in memory at once.
struct Fleet::Impl::PushRun {
  PushRequest request;
  Answered<std::vector<PushOutcome>> done;
  std::vector<PushOutcome> outcomes{};
  std::size_t part_begin = 0;

  static constexpr std::size_t kPart = 256;
};

void Fleet::Impl::push_part(const std::shared_ptr<PushRun>& run) {
  const WallTime now = clock.wall();
  const store::Health health = store.health();
  const auto& devices = run->request.devices;
  run->part_begin = run->outcomes.size();
  const std::size_t end = std::min(devices.size(), run->part_begin + PushRun::kPart);
  store::Batch batch;
  {
    const std::lock_guard lock(jobs_mutex);
    for (std::size_t i = run->part_begin; i < end; ++i) {
      run->outcomes.push_back(decide(devices[i], run->request, health, now, batch));
    }
    if (!batch.empty()) {
      saver.commit(std::move(batch), OnFailure::kForget, [this, run](const Result<void>& saved) {
        finish_part(*run, saved);
        push_on(run);
      });
      return;
    }
  }
  push_on(run);
}

void Fleet::Impl::push_on(const std::shared_ptr<PushRun>& run) {
  if (run->outcomes.size() < run->request.devices.size()) return push_part(run);
  if (!run->request.dry_run) publish();
  run->done(std::move(run->outcomes));
}

// After the commit: the jobs may be fetched, or are taken back. The events of a part that was not
// written are told again, as what came of it, when there is room.
void Fleet::Impl::finish_part(PushRun& run, const Result<void>& saved) {
  std::vector<std::string> woken;
  {
    const std::lock_guard lock(jobs_mutex);
    for (std::size_t i = run.part_begin; i < run.outcomes.size(); ++i) {
      PushOutcome& outcome = run.outcomes[i];
      if (outcome.job_id.empty()) continue;
      const std::string device = outcome.decision.device;
      JobBook::Entry* entry = jobs.find(outcome.job_id);
      if (saved) {
        if (entry != nullptr) entry->pending = false;
        woken.push_back(device);
        continue;
      }
      const auto assigned_before = entry != nullptr ? entry->assigned_before : std::nullopt;
      jobs.erase(outcome.job_id);
      outcome.job_id.clear();
      outcome.decision = gate::refuse_unsaved(std::move(outcome.decision), saved.error().text());
      table.with(device, [&](LiveDevice& live) {
        live.job.clear();
        live.job_running = false;
        live.record.edit().facts.assigned = assigned_before;
      });
    }
    if (!saved) {
      store::Batch batch;
      for (std::size_t i = run.part_begin; i < run.outcomes.size(); ++i)
        batch.events.push_back(decision_event(run.outcomes[i].decision, run.request.actor, "", {}));
      saver.commit(std::move(batch), OnFailure::kRetry);
    }
  }
  for (const std::string& device : woken)
    wake(device);
}

void Fleet::push(const PushRequest& request, Answered<std::vector<PushOutcome>> done) {
  impl_->push_part(std::make_shared<Impl::PushRun>(Impl::PushRun{request, std::move(done)}));
}

// A rollback is handed out until the device says that it runs another image or cannot go back
// (report_status). The command names the image to leave, so that one which comes twice does
// nothing. jobs_mutex held.
bool Fleet::Impl::take_rollback(const std::string& device, std::vector<Command>& commands,
                                WallTime now, store::Batch& batch) {
  // Who has begun an update does not listen.
  const JobBook::Entry* running = jobs.running(device);
  if (running != nullptr && running->job->state != JobState::kQueued) return false;
  bool requested = false;
  Command command{Command::Kind::kRollback, "", 1, {}, {}, {}, {}, {}};
  table.look(device, [&](const LiveDevice& live) {
    requested = live.record && live.record->rollback_requested;
    if (!requested) return;
    const model::Facts& facts = live.record->facts;
    command.created = live.record->rollback_at;
    if (facts.confirmed) command.from = facts.confirmed->sha256;
    if (facts.previous && !live.record->version_floor.empty()) command.to = facts.previous->sha256;
  });
  const std::string from = command.from;
  if (!requested) return false;
  RollbackOffers& offers = rollbacks[device];
  if (offers.count > 0 && clock.mono() - offers.last < kRepeatRollback) return true;
  const bool given_up = offers.count >= kMostRollbackOffers;
  if (!given_up) {
    commands.push_back(std::move(command));
    offers.last = clock.mono();
    ++offers.count;
    // Written with it: the first answer leaves after the operator's word is on disk.
    if (offers.count == 1) {
      table.look(device, [&](const LiveDevice& live) { put_device(batch, live, now); });
    }
    if (!from.empty()) return true;
  }
  // Without a name for what it is to leave, a repetition would take the device back and forth.
  rollbacks.erase(device);
  table.with(device, [&](LiveDevice& live) {
    live.record.edit().rollback_requested = false;
    put_device(batch, live, now);
  });
  if (given_up) {
    batch.events.push_back(make_event(now, Severity::kWarning, "rollback.failed", device,
                                      device + " was told " + std::to_string(kMostRollbackOffers) +
                                          " times to go back to its other slot and did not"));
  }
  return !given_up;
}

// What the running job has for its device. jobs_mutex held.
void Fleet::Impl::take_job(const std::string& device, std::vector<Command>& commands, WallTime now,
                           store::Batch& batch) {
  JobBook::Entry* entry = jobs.running(device);
  if (entry == nullptr || entry->pending || entry->job->ddi) return;
  const model::Job job = *entry->job;
  // An update that is not written down does not start; a cancel does no harm.
  if (!store.health().writable && !job.cancel_requested) return;
  const bool rested = clock.mono() - entry->offered_at >= kRepeatCommand;
  if (job.state == JobState::kQueued) {
    const bool published = catalogue()->holds(job.release.sha256);
    gate::Grounds grounds;
    gate::Input input =
        gate_input(device, published ? &job.release : nullptr, job.release.version, now, &grounds);
    input.running_job.reset();  // this one
    input.override_reason = job.override_reason;
    input.again = job.again;
    JobChange change = job_offered(job, gate::evaluate(input), settings()->ota, now);
    for (model::Event& event : change.events)
      event.data["record"] = gate::decision_record(grounds, input);
    carry_out(change, batch);
    entry = jobs.running(device);
    if (entry == nullptr) return;
  } else if (!rested || (job.state != JobState::kSent && !job.cancel_requested)) {
    return;
  }
  entry->offered_at = clock.mono();
  const model::Job& offered = *entry->job;
  if (job.cancel_requested) {
    commands.push_back({Command::Kind::kCancel, job.id, job.attempt, job.release, {}});
  } else {
    commands.push_back({Command::Kind::kUpdate, offered.id, offered.attempt, offered.release,
                        offered.deadline, offered.created});
  }
}

void Fleet::take_commands(const std::string& device, Answered<std::vector<Command>> done) {
  const WallTime now = impl_->clock.wall();
  auto commands = std::make_shared<std::vector<Command>>();
  store::Batch batch;
  std::unique_lock lock(impl_->jobs_mutex);
  if (!impl_->take_rollback(device, *commands, now, batch)) {
    impl_->take_job(device, *commands, now, batch);
  }
  if (batch.empty()) {
    lock.unlock();
    done(std::move(*commands));
    return;
  }
  impl_->saver.commit(std::move(batch), OnFailure::kRetry,
                      [commands, done = std::move(done)](const Result<void>& saved) {
                        if (!saved) return done(saved.error());
                        done(std::move(*commands));
                      });
}

void Fleet::report_job(const std::string& device, const std::string& job_id,
                       const model::JobReport& report, Done done) {
  Impl& impl = *impl_;
  const WallTime now = impl.clock.wall();
  const auto settings = impl.settings();
  std::unique_lock lock(impl.jobs_mutex);
  JobBook::Entry* entry = impl.jobs.find(job_id);
  if (entry == nullptr || entry->pending || entry->job->device != device) {
    lock.unlock();
    return done(fail(Errc::kNotFound, job_id));
  }
  auto change = job_reported(*entry->job, report, settings->ota, now);
  if (!change) {
    lock.unlock();
    return done(change.error());
  }
  store::Batch batch;
  bool woken = false;
  if (change->changed) {
    woken = impl.carry_out(*change, batch);
  } else {
    // Written again: the first answer may have been lost because the first write was.
    Impl::put_job(batch, change->job);
  }
  impl.saver.commit_job(device, std::move(batch),
                        [this, woken, device, done = std::move(done)](const Result<void>& saved) {
                          done(saved);
                          if (woken) impl_->wake(device);
                        });
}

void Fleet::cancel(const std::string& job_id, const std::string& actor, Done done) {
  Impl& impl = *impl_;
  std::unique_lock lock(impl.jobs_mutex);
  JobBook::Entry* entry = impl.jobs.find(job_id);
  if (entry == nullptr) {
    lock.unlock();
    return done(fail(Errc::kNotFound, job_id));
  }
  auto change = job_cancelled(*entry->job, actor, impl.clock.wall());
  if (!change) {
    lock.unlock();
    return done(change.error());
  }
  entry->offered_at = {};
  const std::string device = entry->job->device;
  store::Batch batch;
  impl.carry_out(*change, batch);
  impl.saver.commit(std::move(batch), OnFailure::kRetry,
                    [this, device, done = std::move(done)](const Result<void>& saved) {
                      impl_->publish();
                      impl_->wake(device);
                      done(saved);
                    });
}

std::optional<model::Job> Fleet::job(const std::string& id) const {
  const std::lock_guard lock(impl_->jobs_mutex);
  const JobBook::Entry* entry = impl_->jobs.find(id);
  if (entry == nullptr) return std::nullopt;
  return *entry->job;
}

std::vector<model::Job> Fleet::jobs(const std::string& device, std::size_t limit) const {
  const std::lock_guard lock(impl_->jobs_mutex);
  return impl_->jobs.newest(device, limit);
}

}  // namespace ota::fleet
