#include "fleet/saver.h"

namespace ota::fleet {

void Saver::commit(store::Batch batch, OnFailure on_failure, store::Done done) {
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

void Saver::commit_job(const std::string& device, store::Batch batch, store::Done done) {
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

void Saver::queue(store::Batch batch, OnFailure on_failure, store::Done done) {
  InFlight entry;
  entry.on_failure = on_failure;
  if (on_failure == OnFailure::kRetry) {
    for (const store::Put& put : batch.puts)
      entry.keys.emplace_back(put.collection, put.key);
    for (const store::Erase& erase : batch.erases) {
      entry.keys.emplace_back(erase.collection, erase.key);
    }
  }
  // Held across the call, so that the writer's `done` finds the events that this call returns.
  const std::lock_guard lock(mutex_);
  const std::uint64_t ticket = ++next_ticket_;
  ++active_;
  std::vector<model::Event> unlinked;
  if (on_failure == OnFailure::kRetry) unlinked = batch.events;
  auto events = store_.commit(std::move(batch),
                              [this, ticket, done = std::move(done)](const Result<void>& result) {
                                finished(ticket, result);
                                if (done) done(result);
                                const std::lock_guard ending(mutex_);
                                --active_;
                              });
  entry.events = events.empty() ? std::move(unlinked) : std::move(events);
  in_flight_.emplace(ticket, std::move(entry));
}

void Saver::finished(std::uint64_t ticket, const Result<void>& result) {
  InFlight entry;
  {
    const std::lock_guard lock(mutex_);
    auto node = in_flight_.extract(ticket);
    entry = std::move(node.mapped());
    if (!result && entry.on_failure == OnFailure::kRetry) {
      unsaved_.insert(entry.keys.begin(), entry.keys.end());
      for (model::Event& event : entry.events) {
        if (backlog_.size() < kMaxBacklog) backlog_.push_back(std::move(event));
      }
    }
  }
  if (!result || entry.events.empty()) return;
  log_.add(entry.events);
  new_events_();
}

std::vector<Saver::Key> Saver::take_unsaved() {
  store::Batch batch;
  std::vector<Key> keys;
  {
    const std::lock_guard lock(mutex_);
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
      const std::lock_guard lock(mutex_);
      if (active_ == 0) return;
    }
    // Its error is that of the commits, which have been told.
    static_cast<void>(store_.flush().has_value());
  }
}

void Saver::clear() {
  const std::lock_guard lock(mutex_);
  unsaved_.clear();
  backlog_.clear();
}

}  // namespace ota::fleet
