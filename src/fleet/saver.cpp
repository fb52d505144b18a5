#include "fleet/saver.h"

namespace ota::fleet {

void Saver::commit(store::Batch batch, OnFailure on_failure, Saved done) {
  constexpr std::string_view kOfDevices = "devices";  // where a key is a device's id
  const MonoTime now = clock_.mono();
  for (const store::Put& put : batch.puts) {
    if (put.collection == kOfDevices) budget_.charge(put.key, put.document.size(), now);
  }
  if (!batch.events.empty()) {
    budget_.sift(batch.events, now);
    if (batch.empty() && !done) return;
  }
  queue(std::move(batch), on_failure, std::move(done));
}

void Saver::commit_job(const std::string& device, store::Batch batch, Saved done) {
  constexpr std::string_view kOfJobs = "jobs";
  for (const store::Put& put : batch.puts) {
    if (put.collection == kOfJobs) budget_.charge(device, put.document.size(), clock_.mono());
  }
  commit(std::move(batch), OnFailure::kRetry, std::move(done));
}

void Saver::sum_up() {
  store::Batch batch;
  batch.events = budget_.sum_up(clock_.mono(), clock_.wall());
  if (!batch.empty()) queue(std::move(batch), OnFailure::kRetry);
}

void Saver::queue(store::Batch batch, OnFailure on_failure, Saved done) {
  auto kept = std::make_shared<Kept>();
  if (on_failure == OnFailure::kRetry) {
    for (const store::Put& put : batch.puts)
      kept->keys.emplace_back(put.collection, put.key);
    for (const store::Erase& erase : batch.erases)
      kept->keys.emplace_back(erase.collection, erase.key);
    kept->events = batch.events;
  }
  {
    const MutexLock lock(mutex_);
    ++active_;
  }
  store_.commit(std::move(batch), [this, kept = std::move(kept),
                                   done = std::move(done)](Result<store::Committed> committed) {
    if (committed) {
      saved(std::move(committed->events));
    } else {
      not_saved(std::move(*kept));
    }
    if (done) done(committed ? Result<void>() : committed.error());
    const MutexLock ending(mutex_);
    --active_;
  });
}

void Saver::saved(std::vector<model::Event> events) {
  if (events.empty()) return;
  log_.add(std::move(events));
  new_events_();
}

void Saver::not_saved(Kept kept) {
  const MutexLock lock(mutex_);
  unsaved_.insert(kept.keys.begin(), kept.keys.end());
  for (model::Event& event : kept.events) {
    if (backlog_.size() < kMaxBacklog) backlog_.push_back(std::move(event));
  }
}

std::vector<Saver::Key> Saver::take_unsaved() {
  store::Batch batch;
  std::vector<Key> keys;
  {
    const MutexLock lock(mutex_);
    if (unsaved_.empty() && backlog_.empty()) return {};
    if (!store_.health().writable) return {};
    keys.assign(unsaved_.begin(), unsaved_.end());
    unsaved_.clear();
    batch.events = std::move(backlog_);
    backlog_.clear();
  }
  if (!batch.events.empty()) queue(std::move(batch), OnFailure::kRetry);  // paid for already
  return keys;
}

void Saver::drain() {
  for (;;) {
    {
      const MutexLock lock(mutex_);
      if (active_ == 0) return;
    }
    // Its error is that of the commits, which have been told.
    static_cast<void>(store_.flush().has_value());
  }
}

void Saver::clear() {
  const MutexLock lock(mutex_);
  unsaved_.clear();
  backlog_.clear();
}

}  // namespace ota::fleet
