// The fleet's way to the store: keeps what a failed commit left unsaved, and lets an event be seen
// only once it is on disk.
//
// A full disk must not lose what happened meanwhile: documents that could not be written are named
// in `unsaved`, to be written again from memory; events are kept, up to a bound, and queued again
// as they are: they have no number before they are on disk.
//
// commit() may be called under the lock that guards the document: that lock gives the order of two
// writes of one document. `done` runs on the store's thread, without locks.
// Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "fleet/event_log.h"
#include "fleet/write_budget.h"
#include "store/store.h"

namespace ota::fleet {

// What becomes of a batch that could not be written: kForget where the caller takes the change
// back, kRetry where it happened anyway.
enum class OnFailure : std::uint8_t { kForget, kRetry };

class Saver {
 public:
  using Key = std::pair<std::string, std::string>;  // collection, key
  static constexpr std::size_t kMaxBacklog = 10000;

  Saver(store::Store& store, EventLog& log, const Clock& clock, std::function<void()> new_events)
      : store_(store), log_(log), clock_(clock), new_events_(std::move(new_events)) {}

  using Saved = std::function<void(Result<void>)>;
  // Events that are past their device's budget, or the strangers', are left out here.
  void commit(store::Batch batch, OnFailure on_failure, Saved done = {});

  // A batch of a device's job, which the device caused.
  void commit_job(const std::string& device, store::Batch batch, Saved done = {});
  // Tells what was left out, where it is time to; about four times a second.
  void sum_up();
  WriteBudget& budget() { return budget_; }

  // Takes the names of documents to be written again. Events of the backlog are queued here, in
  // their old order. Nothing to do (and cheap) where all is saved or the store takes no writes.
  std::vector<Key> take_unsaved();
  // Waits until every commit has called back, also those that were made by such a call.
  void drain();
  // Forgets the backlog: the whole state was replaced.
  void clear();

 private:
  void queue(store::Batch batch, OnFailure on_failure, Saved done = {});

  // Of a batch with kRetry: what its failure must not lose.
  struct Kept {
    std::vector<model::Event> events;
    std::vector<Key> keys;
  };
  void saved(std::vector<model::Event> events);
  void not_saved(Kept kept);

  store::Store& store_;
  EventLog& log_;
  const Clock& clock_;
  std::function<void()> new_events_;
  WriteBudget budget_;
  Mutex mutex_;
  std::size_t active_ OTA_GUARDED_BY(mutex_) = 0;  // commits whose `done` has not returned
  std::set<Key> unsaved_ OTA_GUARDED_BY(mutex_);
  std::vector<model::Event> backlog_ OTA_GUARDED_BY(mutex_);
};

}  // namespace ota::fleet
