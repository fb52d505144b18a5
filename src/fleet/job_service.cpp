#include "fleet/job_service.h"

#include <utility>

#include "fleet/ddi_machine.h"
#include "fleet/gate_question.h"

namespace ota::fleet {

using model::Answer;
using model::JobState;

// -- what the rules look at --

gate::Input JobService::gate_input(const std::string& device, const model::Release* release,
                                   const model::Version& version, WallTime now,
                                   gate::Grounds* grounds) const {
  const auto published = core_.catalogue();
  const auto rules = core_.settings();
  const store::Health health = core_.store.health();
  const auto stop = core_.stop();
  const GateSide side{*rules, *published, health.writable, health.problem, now, stop.get()};
  gate::Input input;
  const bool known = core_.table.look(device, [&](const LiveDevice& live) {
    input = gate_input_of(live, side, &version, release);
    input.verdict = core_.verdict_of(live, now);
    if (grounds != nullptr) *grounds = core_.grounds_of(live, now);
  });
  if (!known) input = gate_input_of(device, side, &version, release);
  if (const auto running = table.running_job(device)) input.running_job = *running;
  return input;
}

std::shared_ptr<const model::OtaSettings> JobService::rules_of(const model::Job& job) const {
  return channel_of(job) == Channel::kDdi ? core_.ddi_rules() : core_.native_rules();
}

// A native device's success counts when its own ledger says so: a status that names the job's image
// as confirmed, sent from another start than the one in which the device was given the job. An
// image cannot be booted, probed and kept within the start that was to fetch it, wherever it was
// fetched from, and one that lay there before was confirmed before: then the gate has skipped it.
Proof JobService::proof_of(const model::Job& job) const {
  Proof proof = Proof::kNone;
  core_.table.look(job.device, [&](const LiveDevice& live) {
    const model::Image wanted{job.release.version, job.release.sha256};
    const std::string boot = live.boot == model::BootId{} ? "" : live.boot.text();
    // Neither known: from before the server's start, or of an agent that does not tell.
    const bool started_anew = boot.empty() ? job.sent_boot.empty() : boot != job.sent_boot;
    if (live.record && live.record->facts.confirmed == wanted && started_anew) {
      proof = Proof::kGiven;
    }
  });
  return proof;
}

// -- carrying out --

void JobService::put(store::Batch& batch, const model::Job& job) {
  if (!is_over(job)) {
    batch.puts.push_back({std::string(kJobs), job.id, dump_json(job)});
    return;
  }
  batch.erases.push_back({std::string(kJobs), job.id});
  batch.puts.push_back(
      {std::string(kEndedJobs), JobArchive::key_of(model::ddi_job_number(job.id)), dump_json(job)});
}

void JobService::show(const model::Job& job) {
  core_.table.with(job.device, [&](LiveDevice& device) {
    // What becomes of an earlier job, such as the end of its watch, takes no running one's place.
    if (device.job_running && ByAge{}(job.id, device.job)) return;
    device.job = job.id;
    device.job_state = job.state;
    device.job_percent = job.percent;
    device.job_running = !model::is_final(job.state);
    device.watching = job.watch == model::Watch::kWatching;
  });
}

void JobService::load(const model::Job& job, WallTime now) {
  table.due_by(table.put(job), now);
  show(job);
}

bool JobService::carry_out(const JobChange& change, store::Batch& batch) {
  const WallTime now = core_.clock.wall();
  const JobTable::Entry* before = table.find(change.job.id);
  const bool had_ended = before != nullptr && model::is_final(before->job->state);
  const model::Image image{change.job.release.version, change.job.release.sha256};
  if (const JobTable::Entry* watched = table.watching(change.job.device);
      change.confirmed && watched != nullptr && watched->job->id != change.job.id) {
    const JobChange left = job_left(*watched->job, image, now);
    if (left.changed) carry_out(left, batch);
  }
  JobTable::Entry& entry = table.put(change.job);
  if (model::is_final(change.job.state) && !had_ended) {
    archive.ended(change.job);
    archive.put_documents(batch);
  }
  // A watch begins with a look: the verdict may have turned since the device reported.
  table.due_by(entry, change.confirmed ? now : next_due(entry, now));
  put(batch, change.job);
  show(change.job);
  const bool about_device = change.written || change.confirmed || change.fell_back ||
                            change.ask_version || change.attention;
  if (about_device) {
    core_.table.with(change.job.device, [&](LiveDevice& device) {
      model::DeviceRecord& record = Core::record_of(device);
      if (change.written) record.facts.written = image;
      if (change.confirmed) {
        // An operator's word to leave an image holds for that one.
        if (record.facts.confirmed != image) record.rollback_requested = false;
        record.facts.booted = image;
        record.facts.confirmed = image;
        record.rejected.erase(image.sha256);
        Core::trust(record, image);
      }
      if (change.fell_back) {
        record.rejected[image.sha256] =
            change.job.detail.empty() ? "it fell back" : change.job.detail;
      }
      if (change.ask_version && record.ddi) record.ddi->wants_attributes = true;
      if (change.attention) record.attention = *change.attention;
      Core::put_device(batch, device, core_.clock.wall());
    });
  }
  for (const model::Event& event : change.events)
    batch.events.push_back(event);
  return change.wake_device;
}

bool JobService::put_off(const JobTable::Entry* entry, Done until_written) {
  if (entry == nullptr || !entry->pending) return false;
  waiting_[entry->job->id].push_back(std::move(until_written));
  return true;
}

void JobService::written(const std::string& job_id, const Result<void>& saved) {
  const auto found = waiting_.find(job_id);
  if (found == waiting_.end()) return;
  const std::vector<Done> said = std::move(found->second);
  waiting_.erase(found);
  for (const Done& next : said)
    next(saved);
}

void JobService::change_running(const std::string& device, const Step& step, WallTime now,
                                store::Batch& batch) {
  const JobTable::Entry* entry = table.running(device);
  if (entry == nullptr) return;
  const auto later = [this, device, step](const Result<void>& saved) {
    if (!saved) return;
    store::Batch own;
    change_running(device, step, core_.clock.wall(), own);
    if (!own.empty()) core_.saver.commit(std::move(own), OnFailure::kRetry);
  };
  if (put_off(entry, later)) return;
  const auto change = step(*entry->job, *rules_of(*entry->job), now);
  if (change && change->changed) carry_out(*change, batch);
}

// -- devices --

JobTable::Entry* JobService::offer(const std::string& device, Channel channel,
                                   const std::string& problem, WallTime now, store::Batch& batch) {
  JobTable::Entry* entry = table.running(device);
  if (entry == nullptr || entry->pending) return nullptr;
  model::Job job = *entry->job;
  const bool waits = job.state == JobState::kQueued;
  if (waits) {
    // Pushed before it was another one that asks.
    Reach reach = Reach::kAgent;
    core_.table.look(device, [&](const LiveDevice& live) {
      reach = live.reach(core_.settings()->console.ddi, now);
    });
    const bool over_ddi = channel == Channel::kDdi;
    if (reach == Reach::kBoth || (reach == Reach::kDdi) != over_ddi) return nullptr;
    if (over_ddi && !job.ddi) job.ddi.emplace();
    if (!over_ddi) job.ddi.reset();
  }
  if (channel_of(job) != channel) return nullptr;
  // An update that is not written down does not start; a cancel does no harm.
  const bool starts = job.state <= JobState::kSent && !job.cancel_requested;
  if (starts && !core_.store.health().writable) return nullptr;
  if (!waits) return entry;
  if (!problem.empty()) {
    const JobChange kept = ddi_unservable(job, problem, now);
    if (kept.changed) carry_out(kept, batch);
    return nullptr;
  }
  const auto catalogue = core_.catalogue();
  const model::Release* published = catalogue->of_image(job.release.sha256);
  // As it was ordered, and made of what is there now.
  model::Release release = job.release;
  if (published != nullptr) release.shorter = published->shorter;
  gate::Grounds grounds;
  gate::Input input = gate_input(device, published != nullptr ? &release : nullptr,
                                 job.release.version, now, &grounds);
  input.running_job.reset();  // this one
  input.override_reason = job.override_reason;
  input.again = job.again;
  const model::Decision decision = gate::evaluate(input);
  const bool waits_on = channel == Channel::kDdi && decision.answer == Answer::kBlock;
  JobChange change =
      waits_on ? ddi_withheld(job, decision, now) : job_offered(job, decision, *rules_of(job), now);
  if (!change.changed) return nullptr;
  for (model::Event& event : change.events)
    event.data["record"] = gate::decision_record(grounds, input);
  if (change.job.state == JobState::kSent) {
    if (change.job.ddi) change.job.ddi->withheld.clear();
    core_.table.look(device, [&](const LiveDevice& live) {
      change.job.sent_boot = live.boot == model::BootId{} ? "" : live.boot.text();
    });
  }
  carry_out(change, batch);
  entry = table.running(device);
  if (entry == nullptr || entry->job->state != JobState::kSent) return nullptr;
  entry->offered_at.reset();
  return entry;
}

void JobService::reported(const std::string& device, const std::string& job_id, Channel channel,
                          const Step& step, Done done) {
  const WallTime now = core_.clock.wall();
  const auto refuse = [&](const Error& error) {
    if (done) done(error);
  };
  JobTable::Entry* entry = table.find(job_id);
  if (entry == nullptr || entry->pending || entry->job->device != device) {
    return refuse(fail(Errc::kNotFound, job_id));
  }
  if (channel_of(*entry->job) != channel) return refuse(fail(Errc::kConflict, "other-channel"));
  save_sent(device);  // before it may end
  auto change = step(*entry->job, *rules_of(*entry->job), now);
  if (!change) return refuse(change.error());
  store::Batch batch;
  bool woken = false;
  if (change->changed) {
    woken = carry_out(*change, batch);
    if (change->soft && !done) return;
  } else if (done) {
    // Written again: the first answer may have been lost because the first write was.
    put(batch, change->job);
  } else {
    return;
  }
  core_.saver.commit_job(device, std::move(batch),
                         [this, woken, device, done = std::move(done)](const Result<void>& saved) {
                           if (done) done(saved);
                           if (woken) core_.wake(device);
                         });
}

void JobService::save_sent(const std::string& device) {
  const WallTime now = core_.clock.wall();
  std::uint64_t bytes = 0;
  core_.table.look(device, [&](const LiveDevice& live) { bytes = live.sent_bytes; });
  if (bytes == 0) return;
  store::Batch batch;
  core_.table.with(device, [&](LiveDevice& live) {
    bytes = std::exchange(live.sent_bytes, 0);
    live.sent_saved = core_.clock.mono();
    model::add_fetched(Core::record_of(live).fetched, bytes, now);
    Core::put_device(batch, live, now);
  });
  archive.sent(bytes);
  archive.put_documents(batch);
  if (const JobTable::Entry* entry = table.running(device); entry != nullptr && !entry->pending) {
    model::Job job = *entry->job;
    job.sent_bytes += bytes;
    put(batch, *table.put(std::move(job)).job);
  }
  core_.saver.commit(std::move(batch), OnFailure::kRetry);
}

bool JobService::was_sent(const std::string& device, const model::Image& image) const {
  constexpr std::size_t kLooked = 20;
  return std::ranges::any_of(table.newest(device, kLooked), [&](const JobTable::JobPtr& job) {
    const bool offered = std::ranges::any_of(job->steps, [](const model::JobStep& step) {
      return step.state == model::JobState::kSent;
    });
    return offered && job->release.version == image.version && job->release.sha256 == image.sha256;
  });
}

Result<JobChange> JobService::native_step(const model::Job& job, const model::JobReport& report,
                                          const model::OtaSettings& rules, WallTime now) const {
  return job_reported(job, report, proof_of(job), rules, now);
}

void JobService::ledger_changed(const std::string& device, WallTime now, store::Batch& batch) {
  change_running(
      device,
      [this](const model::Job& job, const model::OtaSettings& rules, WallTime at)
          -> Result<JobChange> { return job_proven(job, proof_of(job), rules, at); },
      now, batch);
  end_left_watch(device, now, batch);
}

void JobService::end_left_watch(const std::string& device, WallTime now, store::Batch& batch) {
  const JobTable::Entry* watched = table.watching(device);
  if (watched == nullptr) return;
  std::optional<model::Image> runs;
  core_.table.look(device, [&](const LiveDevice& live) {
    if (!live.record) return;
    const model::Facts& facts = live.record->facts;
    runs = facts.booted ? facts.booted : facts.confirmed;
  });
  if (!runs) return;
  const JobChange change = job_left(*watched->job, *runs, now);
  if (change.changed) carry_out(change, batch);
}

// -- operators --

void JobService::cancel(const std::string& job_id, const std::string& actor, Done done) {
  JobTable::Entry* entry = table.find(job_id);
  const auto later = [this, job_id, actor, done](const Result<void>& saved) {
    if (!saved) return done(saved.error());
    cancel(job_id, actor, done);
  };
  if (put_off(entry, later)) return;
  store::Batch batch;
  const auto asked = ask_to_stop(entry, job_id, actor, batch);
  if (!asked) return done(asked.error());
  core_.saver.commit(
      std::move(batch), OnFailure::kRetry,
      [this, device = entry->job->device, done = std::move(done)](const Result<void>& saved) {
        core_.publish();
        core_.wake(device);
        done(saved);
      });
}

// The device is told at its next word, whatever it was told before.
Result<bool> JobService::ask_to_stop(JobTable::Entry* entry, const std::string& job_id,
                                     const std::string& actor, store::Batch& batch) {
  if (entry == nullptr) return fail(Errc::kNotFound, job_id);
  const auto change = job_cancelled(*entry->job, actor, core_.clock.wall());
  if (!change) return change.error();
  entry->offered_at.reset();
  carry_out(*change, batch);
  return change->changed;
}

bool JobService::cancel_within(const std::string& job_id, const std::string& actor,
                               store::Batch& batch) {
  JobTable::Entry* entry = table.find(job_id);
  const auto later = [this, job_id, actor](const Result<void>& saved) {
    if (saved) cancel(job_id, actor, [](const Result<void>&) {});
  };
  if (put_off(entry, later)) return true;
  const auto asked = ask_to_stop(entry, job_id, actor, batch);
  return asked && *asked;
}

void JobService::force_quit(const std::string& job_id, const std::string& actor, Done done) {
  const JobTable::Entry* entry = table.find(job_id);
  const auto later = [this, job_id, actor, done](const Result<void>& saved) {
    if (!saved) return done(saved.error());
    force_quit(job_id, actor, done);
  };
  if (put_off(entry, later)) return;
  Result<JobChange> change = fail(Errc::kNotFound, job_id);
  if (entry != nullptr && channel_of(*entry->job) == Channel::kNative) {
    change =
        fail(Errc::kConflict, "only an update over DDI is ended without its device: cancel it");
  } else if (entry != nullptr) {
    change = ddi_force_quit(*entry->job, actor, core_.clock.wall());
  }
  if (!change) return done(change.error());
  store::Batch batch;
  carry_out(*change, batch);
  core_.commit_shown(std::move(batch), std::move(done));
}

}  // namespace ota::fleet
