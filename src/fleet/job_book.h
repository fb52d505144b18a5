// All jobs in memory, by id and by device. The newest are kept, older ones that have ended are in
// the store alone.
//
// No lock of its own: the fleet's job lock is held by the caller.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
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

class JobBook {
 public:
  static constexpr std::size_t kKept = 5000;
  static constexpr std::size_t kShown = 200;

  struct Entry {
    std::shared_ptr<const model::Job> job;
    bool pending = false;  // its first commit is under way: not shown to the device yet
    std::optional<model::Image> assigned_before;  // to the device, where that commit fails
    MonoTime offered_at{};                        // when its command was last handed out
  };

  // "job-000042", never given twice.
  std::string next_id();
  Entry& put(model::Job job);
  void erase(const std::string& id);
  Entry* find(const std::string& id);
  // The device's job that is not final.
  Entry* running(const std::string& device);
  // Its success that is under watch.
  Entry* watching(const std::string& device);
  // Devices with a job that time can change: running or under watch.
  std::vector<std::string> timed() const;

  std::vector<model::Job> newest(const std::string& device, std::size_t limit) const;
  // Running ones first, then the newest; at most kShown.
  std::vector<std::shared_ptr<const model::Job>> shown() const;
  // Whether anything changed since the last call.
  bool take_changed() { return std::exchange(changed_, false); }
  void mark_changed() { changed_ = true; }

 private:
  void make_room();
  Entry* entry_of(const std::unordered_map<std::string, std::string>& index,
                  const std::string& device);

  std::uint64_t last_number_ = 0;
  std::map<std::string, Entry> jobs_;                      // ids sort by age
  std::unordered_map<std::string, std::string> running_;   // device -> id
  std::unordered_map<std::string, std::string> watching_;  // device -> id
  std::unordered_map<std::string, std::set<std::string, ByAge>> by_device_;
  std::set<std::string, ByAge> over_;  // neither running nor under watch: may go
  bool changed_ = true;
};

}  // namespace ota::fleet
