// Fleet: what time alone brings about: silence, deadlines, ends of watch periods, another try at
// what could not be saved.
#include <algorithm>
#include <functional>
#include <utility>

#include "fleet/impl.h"
#include "model/event_kind.h"

namespace ota::fleet {

namespace {

// When a device was seen last goes to disk with its record: as it goes offline, at the end, and
// else once in ten minutes, each device at a minute of its own, so that a crash forgets little and
// no minute is heavier than another.
bool seen_is_saved_at(const std::string& device, WallTime now) {
  constexpr std::uint64_t kMinutes = 10;
  const auto minute = std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
  return (static_cast<std::uint64_t>(minute) + std::hash<std::string>()(device)) % kMinutes == 0;
}

}  // namespace

void Fleet::tick() {
  const WallTime now = impl_->clock.wall();
  impl_->tick_store(now);
  if (const auto jump = impl_->clock_jump.look()) impl_->follow_jump(*jump, now);
  impl_->tick_devices(now);
  impl_->count_groups(now);
  impl_->post([this, now] {
    impl_->jobs.tick(now);
    impl_->tick_rollbacks();
    impl_->expire_jobs(now);
  });
  impl_->tick_enrolments(now);
  impl_->save_again(now);
  impl_->saver.sum_up();
  impl_->expire_minutes(now);
  impl_->publish();
}

void Fleet::Impl::finish_minute(DeviceTable::Stripe& stripe, LiveDevice& device, WallTime now,
                                store::Batch& batch) {
  stripe.finished.push_back(device.minute.finish(device.id));
  if (seen_is_saved_at(device.id, now)) put_device(batch, device, now);
}

void Fleet::save_last_seen() {
  constexpr std::size_t kPart = 1000;
  impl_->save_sent();
  impl_->drain();
  const WallTime now = impl_->clock.wall();
  for (DeviceTable::Stripe& stripe : impl_->table.stripes()) {
    store::Batch batch;
    const std::lock_guard lock(stripe.mutex);
    for (const auto& [id, device] : stripe.devices) {
      if (!device->record || device->seen_at() <= device->record->last_seen) continue;
      Impl::put_device(batch, *device, now);
      if (batch.puts.size() == kPart)
        impl_->saver.commit(std::exchange(batch, store::Batch()), OnFailure::kForget);
    }
    if (!batch.empty()) impl_->saver.commit(std::move(batch), OnFailure::kForget);
  }
}

// What devices were sent and no record counts yet.
void Fleet::Impl::save_sent() {
  std::vector<std::string> sent;
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (const auto& [id, device] : stripe.devices) {
      if (device->sent_bytes > 0) sent.push_back(id);
    }
  }
  for (std::string& device : sent)
    post([this, device = std::move(device)] { jobs.save_sent(device); });
}

// A store that takes no writes is an event too: it is kept back until it can be written.
void Fleet::Impl::tick_store(WallTime now) {
  const store::Health health = store.health();
  if (std::exchange(told_writable, health.writable) == health.writable) return;
  store::Batch batch;
  batch.events.push_back(
      health.writable
          ? make_event(now, model::Severity::kNotice, model::event_kind::kStoreRecovered, "server",
                       "the state is saved again")
          : make_event(now, model::Severity::kError, model::event_kind::kStoreUnwritable, "server",
                       "the state cannot be saved: " + health.problem +
                           "; no update is started until it can"));
  saver.commit(std::move(batch), OnFailure::kRetry);
}

// A block that nobody sees to for so long is an event of its own, once.
void Fleet::Impl::escalate(LiveDevice& device, WallTime now, store::Batch& batch) const {
  if (device.level != model::Level::kCritical || device.escalated) return;
  const auto lasted = std::chrono::duration_cast<milliseconds>(clock.mono() - device.level_began);
  if (lasted < settings()->thresholds.block_escalate_after) return;
  device.escalated = true;
  batch.events.push_back(
      make_event(now, model::Severity::kError, model::event_kind::kVerdictBlockEscalated, device.id,
                 device.id + " has been critical for " + format_age(lasted) +
                     " (Risk: " + device.label + "): it gets no updates meanwhile"));
}

WallTime Fleet::Impl::next_due(const LiveDevice& device, WallTime now) const {
  WallTime first = device.detector.changes_at(now);
  if (!device.minute.empty()) first = std::min(first, device.minute.end());
  if (device.online) {
    const WallTime silent =
        device.ddi_alone() ? device.ddi_polls_until(settings()->console.ddi)
                           : device.last_received +
                                 milliseconds(stale_after_ms.load(std::memory_order_relaxed) + 1);
    first = std::min(first, silent);
  }
  if (device.unusable.since != WallTime{}) first = std::min(first, now + seconds(1));
  first = std::min(first, certificate_word_due(device, end_nears()));
  if (device.level == model::Level::kCritical && !device.escalated) {
    first = std::min(first, device.level_since + device.detector.thresholds().block_escalate_after);
  }
  if (device.sent_bytes > 0) {
    const auto rest = device.sent_saved + kSentSaved - clock.mono();
    first = std::min(first, now + std::chrono::ceil<milliseconds>(rest));
  }
  if (device.gate_good_until > now) first = std::min(first, device.gate_good_until);
  return std::max(first, now + milliseconds(1));
}

// Devices are no longer silent, and no longer critical, for what happened to a clock. What the
// detectors keep is of the old time: their word that a device fell silent is waited for, until the
// device has had time to speak.
void Fleet::Impl::follow_jump(milliseconds jump, WallTime now) {
  jumped_at = now;
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (auto& [id, device] : stripe.devices) {
      device->move_stamps(jump, now);
      stripe.touch(*device);
    }
  }
  // What is old is known when the clock has gone right for a while: nothing leaves for an hour.
  expired_minutes_at = now;
  to_expire.clear();
  post([this, jump, now] {
    expired_jobs_at = now;
    jobs.follow_jump(jump, now);
  });
}

void Fleet::Impl::tick_devices(WallTime now) {
  const bool back = now < ticked_at;  // the clock was set back: what was to come is another time
  ticked_at = now;
  std::vector<FinishedMinute> finished;
  std::vector<std::string> sent;
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    store::Batch batch;
    const std::lock_guard lock(stripe.mutex);
    if (back) {
      for (auto& [id, device] : stripe.devices)
        stripe.touch(*device);
    }
    while (LiveDevice* device = stripe.timers.take_due(now)) {
      const std::size_t events = batch.events.size();
      follow_online(*device, now, batch);
      follow_verdict(*device, now, batch);
      escalate(*device, now, batch);
      follow_certificate(*device, now, batch);
      if (device->renewed_serial_used) {
        device->renewed_serial_used = false;
        device->record.edit().previous_serial.clear();
        device->record.edit().renewal_until = {};  // the word was for this one renewal
        put_device(batch, *device, now);
      }
      if (device->minute.over(now)) finish_minute(stripe, *device, now, batch);
      if (device->sent_bytes > 0 && clock.mono() - device->sent_saved >= kSentSaved)
        sent.push_back(device->id);
      // Its answer may be one of a moment that came and went untold: silence that other settings took
      // back, and which was there again by now.
      if (batch.events.size() != events || device->gate_due || now >= device->gate_good_until)
        stripe.show(*device);
      regroup(stripe, *device);
      stripe.timers.due_by(*device, next_due(*device, now));
    }
    stripe.take_finished(finished);
    if (!batch.empty()) saver.commit(std::move(batch), OnFailure::kRetry);
  }
  save_minutes(finished, now);
  for (std::string& device : sent)
    post([this, device = std::move(device)] { jobs.save_sent(device); });
}

void Fleet::Impl::tick_rollbacks() {
  std::vector<std::string> woken;
  for (auto it = rollbacks.begin(); it != rollbacks.end();) {
    bool waits = false;
    table.look(it->first, [&](const LiveDevice& live) {
      waits = live.record && live.record->rollback_requested;
    });
    if (waits && clock.mono() - it->second.last >= kRepeatRollback) woken.push_back(it->first);
    it = waits ? std::next(it) : rollbacks.erase(it);
  }
  for (const std::string& device : woken)
    wake(device);
}

void Fleet::Impl::tick_enrolments(WallTime now) {
  const std::lock_guard lock(enrolments_mutex);
  store::Batch batch;
  for (const std::string& hash : enrolments.expire(now)) {
    batch.erases.push_back({std::string(kEnrolments), hash});
  }
  if (!batch.empty()) saver.commit(std::move(batch), OnFailure::kRetry);
}

// Each document is written by who guards it: that is the order of two writes of one.
void Fleet::Impl::save_again(WallTime now) {
  const auto unsaved_jobs = std::make_shared<std::vector<std::string>>();
  for (const auto& [collection, key] : saver.take_unsaved()) {
    store::Batch batch;
    if (collection == kDevices) {
      table.with(key, [&](LiveDevice& device) {
        put_device(batch, device, now);
        if (!batch.empty()) saver.commit(std::move(batch), OnFailure::kRetry);
      });
    } else if (collection == kFleet && is_stop_document(key)) {
      put_stop(batch);
      saver.commit(std::move(batch), OnFailure::kRetry);
    } else if (collection == kJobs || collection == kEndedJobs || collection == kFleet) {
      unsaved_jobs->push_back(collection == kEndedJobs ? JobTable::id_of(std::stoull(key)) : key);
    } else if (collection == kEnrolments) {
      const std::lock_guard lock(enrolments_mutex);
      if (enrolments.all().count(key) != 0) continue;
      batch.erases.push_back({collection, key});
      saver.commit(std::move(batch), OnFailure::kRetry);
    }
  }
  if (!unsaved_jobs->empty()) post([this, unsaved_jobs] { save_jobs_again(unsaved_jobs); });
}

void Fleet::Impl::save_jobs_again(const std::shared_ptr<std::vector<std::string>>& ids) {
  constexpr std::size_t kSlice = 64;
  store::Batch batch;
  for (std::size_t i = 0; i < kSlice && !ids->empty(); ++i) {
    const JobTable::Entry* entry = jobs.table.find(ids->back());
    if (entry != nullptr) JobService::put(batch, *entry->job);
    ids->pop_back();
  }
  jobs.archive.not_written();
  jobs.archive.put_documents(batch);
  saver.commit(std::move(batch), OnFailure::kRetry);
  if (!ids->empty()) post([this, ids] { save_jobs_again(ids); });
}

// All devices' minutes end at one moment: they are stored together, and in parts, so that the
// writer is never held up.
void Fleet::Impl::save_minutes(std::span<const FinishedMinute> finished, WallTime now) {
  constexpr std::size_t kPart = 64;
  if (finished.empty()) return;
  store::Batch batch;
  minutes_written =
      std::max(minutes_written + 1, static_cast<std::uint64_t>(now.time_since_epoch().count()));
  for (store::Put& put : minute_rows(finished, minutes_written)) {
    batch.puts.push_back(std::move(put));
    if (batch.puts.size() == kPart)
      saver.commit(std::exchange(batch, store::Batch()), OnFailure::kForget);
  }
  if (!batch.empty()) saver.commit(std::move(batch), OnFailure::kForget);
}

// Ended jobs leave the store, once an hour.
void Fleet::Impl::expire_jobs(WallTime now) {
  constexpr std::chrono::hours kEvery{1};
  if (now >= expired_jobs_at && now - expired_jobs_at < kEvery) return;
  if (!store.health().writable) return;
  expired_jobs_at = now;
  store::Batch batch;
  const auto console = settings();
  jobs.archive.expire(batch, {console->console.most_jobs, console->console.jobs_kept}, now);
  if (!batch.empty()) saver.commit(std::move(batch), OnFailure::kRetry);
}

// Old minutes leave the store: once an hour, a part of the devices at each tick, so that the writer
// is never held up. A device that is silent loses its old ones too. Devices' own ranges are those
// of programs before the blocks (minutes.h).
void Fleet::Impl::expire_minutes(WallTime now) {
  constexpr std::chrono::hours kRound{1};
  constexpr std::size_t kPart = 64;
  const bool back = now < expired_minutes_at;  // the clock was set back
  if (to_expire.empty() && (back || now - expired_minutes_at >= kRound)) {
    expired_minutes_at = now;
    to_expire = minute_blocks();
    for (DeviceTable::Stripe& stripe : table.stripes()) {
      const std::lock_guard lock(stripe.mutex);
      for (const auto& [id, device] : stripe.devices)
        to_expire.push_back(id);
    }
  }
  if (to_expire.empty() || !store.health().writable) return;
  const std::size_t rest = to_expire.size() - std::min(kPart, to_expire.size());
  const std::vector<std::string> part(to_expire.begin() + static_cast<std::ptrdiff_t>(rest),
                                      to_expire.end());
  to_expire.resize(rest);
  // Where it fails, the next round takes them out.
  saver.commit(expired_minutes(part, now - settings()->console.minutes_kept), OnFailure::kForget);
}

}  // namespace ota::fleet
