// JobService: what time alone brings about: deadlines, the ends of watch periods, a command that
// was lost and is handed out again. A tick looks at what is due and not at the fleet.
#include <algorithm>
#include <utility>

#include "fleet/job_service.h"

namespace ota::fleet {
namespace {

constexpr std::size_t kDueSlice =
    64;  // a deadline's job takes some 30 us: its document, its events

// It was told something over its own protocol, and has not answered.
bool waits_for_device(const model::Job& job) {
  const bool waits = job.state == model::JobState::kSent || job.cancel_requested;
  return waits && channel_of(job) == Channel::kNative;
}

// Until the device is to be woken for it again; zero or less: now.
MonoTime::duration rest_of(const JobTable::Entry& entry, MonoTime now) {
  const auto last = std::max(entry.offered_at, entry.woken_at);
  return last ? *last + kRepeatCommand - now : MonoTime::duration::zero();
}

}  // namespace

WallTime JobService::next_due(const JobTable::Entry& entry, WallTime now) const {
  const model::Job& job = *entry.job;
  WallTime first = WallTime::max();
  if (job.watch == model::Watch::kWatching) {
    // After its end it is waited for as long again; what the verdict becomes meanwhile is told.
    const auto& period = rules_of(job)->watch_period;
    first = now < job.watch_until ? job.watch_until : job.watch_until + period;
  }
  if (model::is_final(job.state)) return std::max(first, now + milliseconds(1));
  first = std::min(first, job.deadline);
  if (waits_for_device(job)) {
    const auto rest = rest_of(entry, core_.clock.mono());
    first = std::min(first, now + std::chrono::ceil<milliseconds>(rest));
  }
  return std::max(first, now + milliseconds(1));
}

void JobService::look_at_watch(JobTable::Entry& entry, WallTime now, store::Batch& batch) {
  model::Verdict verdict;
  core_.table.look(entry.job->device, [&](const LiveDevice& live) {
    verdict.level = live.level;
    if (live.level == model::Level::kCritical) verdict = core_.verdict_of(live, now);
  });
  const JobChange change = job_verdict(*entry.job, verdict, *rules_of(*entry.job), now);
  if (change.changed) carry_out(change, batch);
}

void JobService::look_at(JobTable::Entry& entry, WallTime now, store::Batch& batch,
                         std::vector<std::string>& woken) {
  if (entry.job->watch == model::Watch::kWatching) look_at_watch(entry, now, batch);
  if (entry.pending || model::is_final(entry.job->state)) return;
  if (now >= entry.job->deadline) {
    save_sent(entry.job->device);  // before it may end
    const JobChange change = job_at(*entry.job, *rules_of(*entry.job), now);
    if (change.changed && carry_out(change, batch)) woken.push_back(entry.job->device);
    if (change.changed) return;
  }
  // A command that was lost on its way is offered again. Who is not there to be woken asks of its
  // own accord when it comes.
  const MonoTime mono = core_.clock.mono();
  if (!waits_for_device(*entry.job) || rest_of(entry, mono).count() > 0) return;
  woken.push_back(entry.job->device);
  entry.woken_at = mono;
}

void JobService::tick_slice(WallTime now) {
  store::Batch batch;
  std::vector<std::string> woken;
  std::size_t count = 0;
  while (count < kDueSlice) {
    JobTable::Entry* entry = table.take_due(now);
    if (entry == nullptr) break;
    ++count;
    look_at(*entry, now, batch, woken);
    table.due_by(*entry, next_due(*entry, now));
  }
  if (!batch.empty()) core_.saver.commit(std::move(batch), OnFailure::kRetry);
  for (const std::string& device : woken)
    core_.wake(device);
  ticking_ = count == kDueSlice;
  if (ticking_) core_.post([this, now] { tick_slice(now); });
}

void JobService::follow_jump(milliseconds jump, WallTime now) {
  for (const std::string& id : table.open_ids()) {
    JobTable::Entry& entry = *table.find(id);
    const JobChange moved = job_after_jump(*entry.job, *rules_of(*entry.job), jump, now);
    if (moved.changed) table.put(moved.job);
  }
  table.all_due(now);
}

void JobService::tick(WallTime now) {
  if (now < ticked_at_) table.all_due(now);  // the clock was set back
  ticked_at_ = now;
  store::Batch batch;
  for (const std::string& device : core_.take_turned()) {
    if (JobTable::Entry* entry = table.watching(device)) look_at_watch(*entry, now, batch);
  }
  if (!batch.empty()) core_.saver.commit(std::move(batch), OnFailure::kRetry);
  if (!ticking_) tick_slice(now);
}

}  // namespace ota::fleet
