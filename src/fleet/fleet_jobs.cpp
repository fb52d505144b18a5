// Fleet: jobs in the words of the agent's own protocol: commands and reports.
#include "fleet/impl.h"

namespace ota::fleet {

using model::JobState;
using model::Severity;

// A rollback is handed out until the device says that it runs another image or cannot go back
// (report_status). The command names the image to leave, so that one which comes twice does
// nothing.
bool Fleet::Impl::take_rollback(const std::string& device, std::vector<Command>& commands,
                                WallTime now, store::Batch& batch) {
  // Who has begun an update does not listen.
  const JobTable::Entry* running = jobs.table.running(device);
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

// What the running job has for its device: a command, and again where it was not followed.
void Fleet::Impl::take_job(const std::string& device, std::vector<Command>& commands, WallTime now,
                           store::Batch& batch) {
  JobTable::Entry* entry = jobs.offer(device, Channel::kNative, {}, now, batch);
  if (entry == nullptr) return;
  const model::Job& job = *entry->job;
  const bool rested = !entry->offered_at || clock.mono() - *entry->offered_at >= kRepeatCommand;
  if (!rested || (job.state != JobState::kSent && !job.cancel_requested)) return;
  entry->offered_at = clock.mono();
  if (job.cancel_requested) {
    commands.push_back({Command::Kind::kCancel, job.id, job.attempt, job.release, {}});
  } else {
    commands.push_back(
        {Command::Kind::kUpdate, job.id, job.attempt, job.release, job.deadline, job.created});
  }
}

void Fleet::Impl::take_commands(const std::string& device, Answered<std::vector<Command>> done) {
  const WallTime now = clock.wall();
  auto commands = std::make_shared<std::vector<Command>>();
  store::Batch batch;
  if (!take_rollback(device, *commands, now, batch)) take_job(device, *commands, now, batch);
  if (batch.empty()) return done(std::move(*commands));
  saver.commit(std::move(batch), OnFailure::kRetry,
               [commands, done = std::move(done)](const Result<void>& saved) {
                 if (!saved) return done(saved.error());
                 done(std::move(*commands));
               });
}

void Fleet::take_commands(const std::string& device, Answered<std::vector<Command>> done) {
  impl_->post([this, device, done = std::move(done)] { impl_->take_commands(device, done); });
}

void Fleet::report_job(const std::string& device, const std::string& job_id,
                       const model::JobReport& report, Done done) {
  impl_->post([this, device, job_id, report, done = std::move(done)] {
    const auto step = [&](const model::Job& job, const model::OtaSettings& rules, WallTime now) {
      return impl_->jobs.native_step(job, report, rules, now);
    };
    impl_->jobs.reported(device, job_id, Channel::kNative, step, done);
  });
}

void Fleet::data_sent(const std::string& device, std::uint64_t bytes) {
  bool save = false;
  impl_->table.with(device, [&](LiveDevice& live) {
    live.sent_bytes += bytes;
    save = impl_->clock.mono() - live.sent_saved >= kSentSaved;  // else a tick does it
  });
  if (save) impl_->post([this, device] { impl_->jobs.save_sent(device); });
}

void Fleet::push(const PushRequest& request, Answered<std::vector<PushOutcome>> done) {
  impl_->post([this, request, done = std::move(done)] { impl_->jobs.push(request, done); });
}

void Fleet::cancel(const std::string& job_id, const std::string& actor, Done done) {
  impl_->post(
      [this, job_id, actor, done = std::move(done)] { impl_->jobs.cancel(job_id, actor, done); });
}

void Fleet::force_quit(const std::string& job_id, const std::string& actor, Done done) {
  impl_->post([this, job_id, actor, done = std::move(done)] {
    impl_->jobs.force_quit(job_id, actor, done);
  });
}

std::optional<model::Job> Fleet::job(const std::string& id) const {
  const auto found = impl_->jobs.table.job(id);
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::vector<model::Job> Fleet::jobs(const std::string& device, std::size_t limit) const {
  std::vector<model::Job> out;
  for (const auto& job : impl_->jobs.table.newest(device, limit))
    out.push_back(*job);
  return out;
}

}  // namespace ota::fleet
