// The jobs in memory, by id and by device, and when the passing of time has something to say of
// each. All that are open are here, and the newest of those that have ended.
//
// The fleet's strand writes; what others may read, they read under a lock that is held for a
// look-up and nothing else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/device.h"
#include "model/job.h"

namespace ota::fleet {

// Ids by age, also past a million: shorter ones first.
struct ByAge {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

class JobTable {
 public:
  static constexpr std::size_t kKept = 5000;
  static constexpr std::size_t kShown = 200;
  using JobPtr = std::shared_ptr<const model::Job>;

  struct Entry {
    JobPtr job;
    bool pending = false;  // its first commit is under way: not shown to the device yet
    std::optional<model::Image> assigned_before;  // to the device, where that commit fails
    std::optional<MonoTime> offered_at;  // when its command was last handed out; none: not yet
    std::optional<MonoTime> woken_at;    // when its device was last woken for a lost one
    WallTime due_at = WallTime::max();   // take_due()
  };

  static std::string id_of(std::uint64_t number);  // "job-000042"

  // -- the strand's; entries stay where they are until they are erased --
  // The next id, never given twice.
  std::string next_id();
  // Numbers up to this one were given.
  void given(std::uint64_t number) { last_number_ = std::max(last_number_, number); }
  enum class Pending : std::uint8_t { kNo, kYes };
  // A new job, or what has become of one. `pending` is of a new one.
  Entry& put(model::Job job, Pending pending = Pending::kNo);
  void confirm(Entry& entry);  // its first commit is done
  void erase(const std::string& id);
  Entry* find(const std::string& id);
  // The device's job that is not final.
  Entry* running(const std::string& device);
  // Its success that is under watch.
  Entry* watching(const std::string& device);
  // Of those that run or are under watch.
  std::vector<std::string> open_ids() const;
  // Forgets all.
  void clear();

  // It is due at `at`, or before that where that was said before.
  void due_by(Entry& entry, WallTime at);
  // A job whose time has come, which is due no more until that is said; null: none left.
  Entry* take_due(WallTime now);
  // All open ones are due now: the clock was set.
  void all_due(WallTime now);

  // -- any thread --
  JobPtr job(const std::string& id) const;              // null: not here
  JobPtr running_job(const std::string& device) const;  // null: none
  JobPtr told_job(const std::string& device) const;     // the same, where its commit is done
  std::vector<JobPtr> newest(const std::string& device, std::size_t limit) const;  // empty id: all
  // Running ones first, then the newest; at most kShown.
  std::vector<JobPtr> shown() const;
  std::size_t running_count() const;
  std::vector<std::string> running_ids() const;  // newest last
  // Whether anything changed since the last call.
  bool take_changed();

 private:
  void forget(const std::string& id);
  void make_room();
  Entry* entry_of(const std::unordered_map<std::string, std::string>& index,
                  const std::string& device);

  struct Due {
    WallTime at;
    std::string id;
    bool operator>(const Due& other) const { return at > other.at; }
  };
  std::uint64_t last_number_ = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::unordered_map<std::string, std::string> watching_;  // device -> id
  std::set<std::string, ByAge> over_;  // neither running nor under watch: may go

  mutable std::mutex mutex_;  // held to write what follows, and to read it elsewhere
  std::map<std::string, Entry, ByAge> jobs_;
  std::unordered_map<std::string, std::string> running_;  // device -> id
  std::set<std::string, ByAge> running_ids_;
  std::unordered_map<std::string, std::set<std::string, ByAge>> by_device_;
  bool changed_ = true;
};

}  // namespace ota::fleet
